import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import { databaseError, type PgClient } from '@millrace/postgres';
import { writeAudit as noteAtProvider } from '@millrace/provider';
import { listTables, type TableRunner, writeAudit } from '@millrace/subscriber';
import { ProviderSide } from '../sides/provider-side.ts';
import { type AlignedSubscriber, type Alignment, alignAtTick } from './align-at-tick.ts';
import {
  type ComparisonRequest,
  type ComparisonRun,
  refuseUnfollowed,
  runComparison,
  type TableResult,
} from './comparison-run.ts';
import { commitSql, scriptEnd, scriptHead } from './plan-repair.ts';
import { labelled } from './read-ranges.ts';
import { executeRepair, type RepairCounts, repairRunner, repairTable } from './repair-table.ts';
import { NotComparable } from './table-shape.ts';

export interface RepairRequest extends Omit<ComparisonRequest, 'limit'> {
  /** Carry it out; otherwise the statements are only given. */
  readonly apply: boolean;
}

/** What was, or by the script is to be, done to one table at one subscriber. */
export interface Repaired extends TableName, RepairCounts {
  readonly subscriber: string;
  /** The rows are made what they are at the provider as of this tick. */
  readonly tick: number;
}

export interface RepairRun {
  /** How things were found to be or, when the repair was carried out, are after it. */
  readonly comparison: ComparisonRun;
  readonly repaired: readonly Repaired[];
  /** For psql, empty when it was carried out or nothing differs. */
  readonly script: readonly string[];
}

/** A table in which more rows differ is copied again instead. */
const maxRows = 100_000;

/**
 * Compares tables and makes the rows that differ what they are at the provider: as of one tick, at which the subscriber is
 * held, so that nothing newer is overwritten; a row that became equal meanwhile is left alone. One transaction for each
 * subscriber. Throws as runComparison, USAGE when a script would be for several subscribers, and what keeps a table from it.
 */
export async function runRepair(config: Config, request: RepairRequest): Promise<RepairRun> {
  const { apply } = request;
  const comparison = await runComparison(config, { ...request, limit: maxRows });
  refuseUnfollowed(comparison, request.tables);
  const bySubscriber = Map.groupBy(
    comparison.results.filter(({ state }) => state === 'different'),
    ({ subscriber }) => subscriber,
  );
  for (const results of bySubscriber.values()) for (const result of results) refuseTooMany(result);
  if (!apply && bySubscriber.size > 1) throw severalSubscribers([...bySubscriber.keys()]);
  const script: string[] = [];
  const repaired: Repaired[] = [];
  for (const [name, results] of bySubscriber) {
    const alignment = await alignAtTick(config, { names: [name], timeoutMs: request.timeoutMs, writes: apply });
    try {
      repaired.push(...(await repairAt(config, alignment, { name, results, script: apply ? undefined : script })));
    } finally {
      await alignment.close();
    }
  }
  if (!apply || repaired.length === 0) return { comparison, repaired, script };
  await noteRepairs(config, repaired);
  return { comparison: await compareAgain(config, request, comparison), repaired, script };
}

interface Work {
  readonly name: string;
  readonly results: readonly TableResult[];
  /** Undefined: carry it out. */
  readonly script: string[] | undefined;
}

async function repairAt(config: Config, alignment: Alignment, { name, results, script }: Work): Promise<Repaired[]> {
  const place = placeOf(alignment, name);
  const { client } = place;
  const { tick } = alignment.tick;
  const statements: string[] = [];
  const repaired: Repaired[] = [];
  for (const result of results) {
    const runner = script === undefined ? await runnerFor(place, result) : undefined;
    const run =
      runner !== undefined
        ? (sql: string) => executeRepair(runner, result, sql)
        : async (sql: string) => void statements.push(`${sql};`);
    const counts = await repairResult(config, alignment, { place, result, run });
    const { schema, name: table } = result;
    repaired.push({ schema, name: table, subscriber: name, tick, ...counts });
    if (script === undefined)
      await writeAudit(client, 'repair rows', auditDetail(config, { ...result, tick, ...counts }));
  }
  if (script === undefined) await labelled(`subscriber ${name}`, () => client.query(commitSql));
  else if (statements.length > 0) script.push(...scriptFor(name, tick, statements));
  return repaired;
}

async function repairResult(
  { queue }: Config,
  alignment: Alignment,
  { place, result, run }: { place: AlignedSubscriber; result: TableResult; run: (sql: string) => Promise<void> },
): Promise<RepairCounts> {
  const sides = { provider: alignment.provider, subscriber: place.client };
  const keys = [...new Map(result.differences.map(({ key }) => [JSON.stringify(key), key])).values()];
  return named(place, result, async () => {
    await requireOk(place.client, queue, result);
    return repairTable(sides, { table: { ...result, estimate: 0 }, keys }, run);
  });
}

function runnerFor(place: AlignedSubscriber, result: TableResult): Promise<TableRunner> {
  return named(place, result, () => repairRunner(place.client, result));
}

/** Does work; its errors name subscriber and table. */
async function named<T>(place: AlignedSubscriber, result: TableResult, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotComparable) {
      throw new MillraceError(codes.SUBSCRIBER_SCHEMA, `${place.name}: ${tableLabel(result)}: ${error.message}`, {
        advice: 'nothing was changed there; try again',
      });
    }
    throw databaseError(error, `repairing ${tableLabel(result)} at ${place.name}`);
  }
}

/** It may have been removed, or be copied again, since it was compared. */
async function requireOk(client: PgClient, queue: string, table: TableName): Promise<void> {
  const state = (await listTables(client, queue)).find((one) => sameTable(one, table))?.state;
  if (state !== 'ok') throw new NotComparable(`it is ${state ?? 'not followed any more'} there`);
}

function placeOf({ subscribers, absent }: Alignment, name: string): AlignedSubscriber {
  const [place] = subscribers;
  if (place !== undefined) return place;
  throw new MillraceError(codes.TIMEOUT, `${name}: not repaired: ${absent[0]?.reason ?? 'it was not there'}`);
}

function scriptFor(name: string, tick: number, statements: readonly string[]): string[] {
  return [
    `-- Makes tables at subscriber ${name} what they are at the provider as of tick ${tick}. Rows: ${statements.length}.`,
    '-- A statement does nothing when its row was changed since.',
    ...scriptHead(),
    ...statements,
    scriptEnd,
  ];
}

async function noteRepairs(config: Config, repaired: readonly Repaired[]): Promise<void> {
  const provider = await ProviderSide.open(config);
  try {
    const { side, queue } = provider;
    for (const one of repaired) {
      await side.run(() => noteAtProvider(side.client, queue, 'repair rows', auditDetail(config, one)));
    }
  } finally {
    await provider.close();
  }
}

function auditDetail({ queue }: Config, one: Repaired): Record<string, unknown> {
  const { subscriber, tick, inserted, updated, deleted } = one;
  return { queue, subscriber, table: tableLabel(one), tick, inserted, updated, deleted };
}

/** What differed, compared once more; the rest is unchanged. */
async function compareAgain(config: Config, request: RepairRequest, before: ComparisonRun): Promise<ComparisonRun> {
  const differed = before.results.filter(({ state }) => state === 'different');
  const tables = [...new Map(differed.map((table) => [tableKey(table), table])).values()];
  const subscribers = [...new Set(differed.map(({ subscriber }) => subscriber))];
  const again = await runComparison(config, { ...request, tables, subscribers, limit: 0 });
  const rest = before.results.filter(
    (one) => !again.results.some((other) => other.subscriber === one.subscriber && sameTable(one, other)),
  );
  return { results: [...rest, ...again.results], absent: [...before.absent, ...again.absent] };
}

function refuseTooMany(result: TableResult): void {
  const { missing, extra, different, differences, subscriber } = result;
  const all = (missing ?? 0) + (extra ?? 0) + (different ?? 0);
  if (all <= differences.length) return;
  const label = tableLabel(result);
  throw new MillraceError(
    codes.CONFLICT,
    `${subscriber}: ${label}: ${all} rows differ, too many to repair one by one`,
    {
      advice: `copy it again: \`millrace resync ${label} --subscriber ${subscriber}\``,
    },
  );
}

function severalSubscribers(names: readonly string[]): MillraceError {
  return new MillraceError(codes.USAGE, `repair: ${names.join(' and ')} differ, and a script is for one database`, {
    advice: 'name one with --subscriber, or let --apply do it',
  });
}
