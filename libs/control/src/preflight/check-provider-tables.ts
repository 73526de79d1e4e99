import { codes } from '@millrace/errors';
import { sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { type ProviderOverview, providerChecks } from '@millrace/provider';
import type { ProviderSide } from '../sides/provider-side.ts';
import type { Refusal } from './refusals.ts';
import { tableDescriptions } from './table-description.ts';

/** A table of the provider that can be replicated. */
export interface Candidate {
  readonly table: TableName;
  readonly description: TableDescription;
  /** The columns that identify a row. */
  readonly key: readonly string[];
  /** It is in the set already. */
  readonly inSet: boolean;
  /** It is in the set, and its changes are not captured as they should. */
  readonly repair: boolean;
}

/** For each of these tables, in order: what is needed to replicate it, or why it cannot be. Changes nothing. */
export async function checkProviderTables(
  provider: ProviderSide,
  overview: ProviderOverview,
  tables: readonly TableName[],
): Promise<(Candidate | Refusal)[]> {
  if (tables.length === 0) return [];
  const described = await provider.side.run((client) => tableDescriptions(client, tables));
  const broken = tables.some((table) => knownIn(overview, table)) ? await brokenTables(provider) : new Set<string>();
  const checked: (Candidate | Refusal)[] = [];
  for (const { schema, name } of tables) {
    const table = { schema, name };
    const description = described.get(tableKey(table));
    checked.push(
      description === undefined
        ? { code: codes.NOT_FOUND, text: `there is no table ${tableLabel(table)} at the provider` }
        : await checkTable(provider, { table, description, broken, known: knownIn(overview, table) }),
    );
  }
  return checked;
}

/** Tells a table that can be replicated from one that cannot. */
export function isCandidate(checked: Candidate | Refusal): checked is Candidate {
  return 'description' in checked;
}

interface TableAtProvider {
  readonly table: TableName;
  readonly description: TableDescription;
  /** Its entry in the set. */
  readonly known: ProviderOverview['tables'][number] | undefined;
  /** Tables of the set without their capture triggers, by `tableKey`. */
  readonly broken: ReadonlySet<string>;
}

async function checkTable(provider: ProviderSide, at: TableAtProvider): Promise<Candidate | Refusal> {
  const { table, description, known, broken } = at;
  const { refusal, key } = await provider.checkTable(table);
  if (refusal !== null) return refused(provider, table, refusal);
  const repair = known !== undefined && (known.problem !== null || broken.has(tableKey(table)));
  return { table, description, key, inSet: known !== undefined, repair };
}

function knownIn({ tables }: ProviderOverview, table: TableName): TableAtProvider['known'] {
  return tables.find((one) => sameTable(one, table));
}

/** The set's tables, by `tableKey`, that have lost capture triggers, whether anybody has recorded that or not. */
async function brokenTables(provider: ProviderSide): Promise<ReadonlySet<string>> {
  const rows = await provider.side.run((client) => providerChecks.captureTriggers(client, provider.queue));
  return new Set(
    rows
      .filter(({ level }) => level === 'error')
      .map((row) => tableKey({ schema: row.schema_name, name: row.table_name })),
  );
}

async function refused(provider: ProviderSide, table: TableName, refusal: string): Promise<Refusal> {
  const [row] = await provider.side.run((client) => providerChecks.replicable(client, [table]));
  const text = `${tableLabel(table)} cannot be replicated: ${refusal}`;
  return { code: codes.NOT_REPLICABLE, text, fix: row?.fix ?? null };
}
