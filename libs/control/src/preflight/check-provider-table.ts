import { codes } from '@millrace/errors';
import { type TableName, tableKey, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { type ProviderOverview, providerChecks } from '@millrace/provider';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { Finding } from './findings.ts';
import { describeTable } from './table-description.ts';

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

/** The set's tables, by `tableKey`, that have lost capture triggers, whether anybody has recorded that or not. */
async function brokenTables(provider: ProviderSide): Promise<ReadonlySet<string>> {
  const rows = await provider.side.asked((client) => providerChecks.captureTriggers(client, provider.queue));
  return new Set(
    rows
      .filter(({ level }) => level === 'error')
      .map((row) => tableKey({ schema: row.schema_name, name: row.table_name })),
  );
}

/** Asked once for all tables of one command. */
const broken = new WeakMap<ProviderOverview, Promise<ReadonlySet<string>>>();

function brokenAt(provider: ProviderSide, overview: ProviderOverview): Promise<ReadonlySet<string>> {
  const asked = broken.get(overview) ?? brokenTables(provider);
  broken.set(overview, asked);
  return asked;
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
  if (refusal !== null) return refused(provider, table, refusal);
  const repair =
    known !== undefined && (known.problem !== null || (await brokenAt(provider, overview)).has(tableKey(table)));
  return { table, description, key, inSet: known !== undefined, repair };
}

async function refused(provider: ProviderSide, table: TableName, refusal: string): Promise<Finding> {
  const [row] = await provider.side.asked((client) => providerChecks.replicable(client, [table]));
  const text = `${tableLabel(table)} cannot be replicated: ${refusal}`;
  return { code: codes.NOT_REPLICABLE, text, fix: row?.fix ?? null };
}
