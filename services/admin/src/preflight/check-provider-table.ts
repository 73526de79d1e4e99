import { codes, toMillraceError } from '@millrace/errors';
import { tableLabel, type TableName } from '@millrace/model';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { ProviderOverview } from '../sides/overviews.ts';
import type { Finding } from './findings.ts';
import { describeTable, kindLabel, type TableDescription } from './table-description.ts';

/** A table of the provider that can be replicated. */
export interface Candidate {
  readonly table: TableName;
  readonly description: TableDescription;
  /** The columns by which rows are told apart. */
  readonly key: readonly string[];
  /** It is in the set already. */
  readonly inSet: boolean;
}

/** Why the table cannot be replicated, or what must be known to go on. Nothing stays changed. */
export async function checkProviderTable(
  provider: ProviderSide,
  overview: ProviderOverview,
  table: TableName,
): Promise<Candidate | Finding> {
  const label = tableLabel(table);
  const description = await provider.side.asked(() => describeTable(provider.side.client, table));
  if (description === undefined) {
    return { code: codes.NOT_FOUND, text: `there is no table ${label} at the provider` };
  }
  const known = overview.tables.find((t) => t.schema === table.schema && t.name === table.name);
  if (known !== undefined) return { table, description, key: known.key, inSet: true };
  if (description.kind !== 'r' && description.kind !== 'p') {
    return { code: codes.NOT_REPLICABLE, text: `${label} is ${kindLabel(description.kind)}, not a table` };
  }
  try {
    return { table, description, key: await provider.tryTable(table), inSet: false };
  } catch (error) {
    const { code, message } = toMillraceError(error);
    if (code === codes.DATABASE_UNREACHABLE || code === codes.DATABASE_BUSY || code === codes.INTERNAL) throw error;
    return { code: code === codes.PERMISSION ? code : codes.NOT_REPLICABLE, text: reason(label, message) };
  }
}

/** The server's sentence, without our own name for the side in front, and with the table's name if it lacks it. */
function reason(label: string, message: string): string {
  const text = message.replace(/^the provider: /, '');
  return text.includes(label.split('.').at(-1) ?? label) ? text : `${label}: ${text}`;
}
