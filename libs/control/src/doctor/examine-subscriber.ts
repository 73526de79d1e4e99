import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import type { SubscriberOverview } from '@millrace/subscriber';
import { tableDescriptions } from '../preflight/table-description.ts';
import { mismatchesOf } from '../preflight/table-mismatches.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import { type DatabaseFacts, readDatabaseFacts, runChecks } from './database-checks.ts';
import type { ProviderTable } from './examine-provider.ts';
import { type DoctorFinding, found, joinOutcomes, type Outcome } from './report.ts';
import type { CheckBounds, SqlCheck } from './sql-checks.ts';

/** A subscriber as the doctor knows it after its inspection. */
export interface ExaminedSubscriber {
  readonly name: string;
  readonly facts: DatabaseFacts;
  /** Undefined while the queue is not set up there. */
  readonly overview: SubscriberOverview | undefined;
  readonly outcome: Outcome;
}

export interface SubscriberQuestion {
  readonly checks: readonly SqlCheck[];
  readonly bounds: CheckBounds;
  /** The provider's tables by `tableKey`, as far as they are known; undefined: nothing is. */
  readonly source: ReadonlyMap<string, ProviderTable> | undefined;
}

/** How the doctor names a subscriber's side. */
export const sideOf = (subscriber: string): string => `subscriber ${subscriber}`;

/** Inspects one subscriber's database. Throws when it cannot be reached. */
export async function examineSubscriber(
  subscriber: SubscriberSide,
  { checks, bounds, source }: SubscriberQuestion,
): Promise<ExaminedSubscriber> {
  const { side, queue, name } = subscriber;
  const facts = await readDatabaseFacts(side);
  const overview = facts.installed.subscriber ? await overviewOf(subscriber) : undefined;
  const tables = overview?.tables ?? [];
  const wanted = checks.filter(
    (one) => one.at !== 'provider' && (facts.installed.subscriber || one.installed !== true),
  );
  const values = { ...bounds, queue, subscriber: name, tables, judged: tables };
  const outcome = joinOutcomes([
    found('installed', sideOf(name), facts.installed.subscriber ? [] : [notInstalled()]),
    await runChecks(side, sideOf(name), { checks: wanted, facts, values }),
    await compare(subscriber, tables, source),
  ]);
  return { name, facts, overview, outcome };
}

async function overviewOf(subscriber: SubscriberSide): Promise<SubscriberOverview | undefined> {
  try {
    return await subscriber.overview();
  } catch (error) {
    if (error instanceof MillraceError && error.code === codes.NOT_INSTALLED) return undefined;
    throw error;
  }
}

function notInstalled() {
  const message = 'is not installed there';
  return { level: 'error' as const, object: 'schema millrace', message, fix: 'millrace install' };
}

/** Compares what is followed with the provider's tables; what the provider does not have in its set is left to `orphans`. */
async function compare(
  { side, name }: SubscriberSide,
  tables: readonly TableName[],
  source: ReadonlyMap<string, ProviderTable> | undefined,
): Promise<Outcome> {
  const where = sideOf(name);
  if (source === undefined) {
    const reason = 'nothing is known of the provider here; run `millrace doctor` where both can be reached';
    return { findings: [], notChecked: [{ side: where, check: 'columns', reason }] };
  }
  const there = await side.run((client) => tableDescriptions(client, tables));
  const findings: DoctorFinding[] = [];
  for (const table of tables) {
    const [origin, description] = [source.get(tableKey(table)), there.get(tableKey(table))];
    if (origin === undefined || description === undefined) continue;
    const mismatches = mismatchesOf({ table, provider: origin.description, subscriber: description, key: origin.key });
    for (const { check, level, text, fix } of mismatches) {
      findings.push({ check, level, side: where, object: tableLabel(table), message: text, fix });
    }
  }
  return findings.length > 0 ? { findings: findings, notChecked: [] } : found('columns', where, []);
}

/** Tables followed there that the provider's set does not hold. */
export function orphans({ name, overview }: ExaminedSubscriber, set: readonly TableName[]): Outcome {
  const lost = (overview?.tables ?? []).filter((table) => !set.some((one) => sameTable(one, table)));
  const findings = lost.map((table) => ({
    level: 'error' as const,
    object: tableLabel(table),
    message: 'is followed there and is not in the set at the provider: no change of it is recorded',
    fix: `millrace add ${tableLabel(table)}`,
  }));
  return found('in-set', sideOf(name), findings);
}
