import { codes } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import type { ProviderOverview } from '../sides/overviews.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { Finding } from './findings.ts';
import { describeTable, type TableDescription } from './table-description.ts';

/** A table of the provider that can be replicated. */
export interface Candidate {
  readonly table: TableName;
  readonly description: TableDescription;
  /** The columns by which rows are told apart. */
  readonly key: readonly string[];
  /** It is in the set already. */
  readonly inSet: boolean;
  /** It is in the set, and its changes are not captured as they should. */
  readonly repair: boolean;
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
  const { refusal, key } = await provider.checkTable(table);
  if (refusal !== null) return { code: codes.NOT_REPLICABLE, text: `${label} cannot be replicated: ${refusal}` };
  return { table, description, key, inSet: known !== undefined, repair: known !== undefined && known.problem !== null };
}
