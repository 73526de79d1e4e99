import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableKey, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import type { ProviderOverview } from '@millrace/provider';
import { tableDescriptions } from '../preflight/table-description.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import { type DatabaseFacts, readDatabaseFacts, runChecks } from './database-checks.ts';
import { found, joinOutcomes, type Outcome } from './report.ts';
import type { CheckBounds, SqlCheck } from './sql-checks.ts';

/** The provider as the doctor knows it after its inspection. */
export interface ExaminedProvider {
  readonly facts: DatabaseFacts;
  /** Undefined while the queue is not installed there. */
  readonly overview: ProviderOverview | undefined;
  /** Every table of the set that is there, by `tableKey`, with its key. */
  readonly tables: ReadonlyMap<string, ProviderTable>;
  readonly outcome: Outcome;
}

export interface ProviderTable {
  readonly table: TableName;
  readonly description: TableDescription;
  readonly key: readonly string[];
}

/** Inspects the provider. Throws when it cannot be reached. */
export async function examineProvider(
  provider: ProviderSide,
  { checks, bounds }: { checks: readonly SqlCheck[]; bounds: CheckBounds },
): Promise<ExaminedProvider> {
  const { side, queue } = provider;
  const facts = await readDatabaseFacts(side);
  const overview = facts.installed.provider ? await setOf(provider) : undefined;
  const names = overview?.tables ?? [];
  const wanted = checks.filter((one) => one.at !== 'subscriber' && (overview !== undefined || one.installed !== true));
  const values = { ...bounds, queue, subscriber: '', tables: names, judged: names };
  const outcome = joinOutcomes([
    found('installed', 'provider', overview === undefined ? [notInstalled(queue)] : []),
    await runChecks(side, 'provider', { checks: wanted, facts, values }),
  ]);
  const described = await side.run((client) => tableDescriptions(client, names));
  const tables = new Map<string, ProviderTable>();
  for (const table of names) {
    const description = described.get(tableKey(table));
    if (description === undefined) continue;
    const key = table.key.length > 0 ? table.key : (description.uniques[0] ?? []);
    tables.set(tableKey(table), { table, description, key });
  }
  return { facts, overview, tables, outcome };
}

async function setOf(provider: ProviderSide): Promise<ProviderOverview | undefined> {
  try {
    return await provider.overview();
  } catch (error) {
    if (error instanceof MillraceError && error.code === codes.NOT_INSTALLED) return undefined;
    throw error;
  }
}

function notInstalled(queue: string) {
  const message = 'is not installed at the provider';
  return { level: 'error' as const, object: `queue ${queue}`, message, fix: 'millrace install' };
}

/** Tables that are in the set and that no subscriber follows, as far as these subscribers are known. */
export function unfollowed(overview: ProviderOverview, followed: readonly (readonly TableName[])[]): Outcome {
  const taken = new Set(followed.flat().map(tableKey));
  const idle = overview.tables.filter((table) => !taken.has(tableKey(table)));
  const findings = idle.map((table) => ({
    level: 'warning' as const,
    object: tableLabel(table),
    message: 'is in the set and no subscriber follows it: its changes are recorded for nobody',
    fix: `millrace remove ${tableLabel(table)}`,
  }));
  return found('followers', 'provider', findings);
}
