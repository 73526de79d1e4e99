import type { Config } from '@millrace/config';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type ComparisonNote, noteComparisons, type ProviderOverview } from '@millrace/provider';
import { listTables } from '@millrace/subscriber';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { type Absent, type AlignedSubscriber, type Alignment, alignAtTick } from './align-at-tick.ts';
import {
  type ComparedTable,
  compareTable,
  openAtProvider,
  openAtSubscriber,
  type SummedTable,
  type TableComparison,
} from './compare-table.ts';
import { FormerTypes } from './former-types.ts';
import type { KeyDifference } from './merge-rows.ts';
import { beginTableSql, endTableSql } from './plan-compare.ts';
import { NotComparable } from './table-shape.ts';

export interface ComparisonRequest {
  /** Undefined: all tables of the set. */
  readonly tables: readonly TableName[] | undefined;
  /** Empty: all subscribers. */
  readonly subscribers: readonly string[];
  /** How many differences of a table at a subscriber are listed; the counts are whole. */
  readonly limit: number;
  /** How long to wait for a subscriber that is behind. */
  readonly timeoutMs: number;
  /** One line for people. */
  readonly note: (line: string) => void;
}

/** One table at one subscriber. */
export interface TableResult extends ComparisonNote {
  /** Columns of the key, in the order of the differences' keys. */
  readonly key: readonly string[];
  readonly differences: readonly KeyDifference[];
}

export interface ComparisonRun {
  readonly results: readonly TableResult[];
  /** Subscribers that could not be compared at all. */
  readonly absent: readonly Absent[];
}

/** What is compared as of one tick together, so that no snapshot is held for long. */
const maxRowsPerTick = 1_000_000;
const maxTablesPerTick = 200;
/** A table may be truncated or altered while it is read. */
const maxAttempts = 3;
const longRunMs = 60_000;

/**
 * Compares tables at subscribers with the provider, each as of one tick of both sides, and notes the results at the provider.
 * Throws USAGE and NOT_FOUND for names that are not there, and what the provider throws; what a subscriber cannot do is a result.
 */
export async function runComparison(config: Config, request: ComparisonRequest): Promise<ComparisonRun> {
  const provider = await ProviderSide.open(config);
  try {
    const overview = await provider.overview();
    const names = chooseSubscribers(request.subscribers, knownSubscribers(config, overview.subscribers));
    const tables = chooseTables(overview, request.tables);
    const run = new Run(config, request, names);
    for (const group of groupsOf(tables)) {
      const results = await run.compareGroup(group);
      await provider.side.run(() => noteComparisons(provider.side.client, provider.queue, results));
      await run.formerTypes.settle();
    }
    return run;
  } finally {
    await provider.close();
  }
}

/** The tables that were named, or all. Throws NOT_FOUND for one that is not in the set. */
export function chooseTables(
  { tables }: Pick<ProviderOverview, 'tables'>,
  named: readonly TableName[] | undefined,
): ComparedTable[] {
  if (named === undefined) return [...tables];
  const missing = named.filter((name) => !tables.some((table) => sameTable(table, name)));
  if (missing.length > 0) {
    throw new MillraceError(codes.NOT_FOUND, `not in the set: ${missing.map(tableLabel).join(', ')}`, {
      advice: 'see `millrace tables`',
    });
  }
  return tables.filter((table) => named.some((name) => sameTable(name, table)));
}

/** Throws NOT_FOUND when a table that a person named is followed nowhere. */
export function refuseUnfollowed({ results, absent }: ComparisonRun, named: readonly TableName[] | undefined): void {
  if (absent.length > 0 || named === undefined) return;
  const none = named.filter((name) => !results.some((result) => sameTable(result, name)));
  if (none.length === 0) return;
  throw new MillraceError(codes.NOT_FOUND, `not followed there: ${none.map(tableLabel).join(', ')}`, {
    advice: 'see `millrace tables`',
  });
}

function* groupsOf(tables: readonly ComparedTable[]): Generator<ComparedTable[]> {
  let group: ComparedTable[] = [];
  let rows = 0;
  for (const table of tables) {
    if (group.length > 0 && (rows + table.estimate > maxRowsPerTick || group.length >= maxTablesPerTick)) {
      yield group;
      [group, rows] = [[], 0];
    }
    group.push(table);
    rows += table.estimate;
  }
  if (group.length > 0) yield group;
}

/** A warning for whoever waits. */
const longRun =
  'this comparison has held a snapshot of both databases for a minute: vacuum removes nothing that is newer';

/** Undefined: the subscriber does not follow the table. */
type TableOutcome = TableResult | 'retry' | undefined;

interface Attempt {
  readonly alignment: Alignment;
  /** Nothing is retried after it. */
  readonly isLast: boolean;
}

class Run implements ComparisonRun {
  readonly results: TableResult[] = [];
  readonly absent: Absent[] = [];
  readonly formerTypes: FormerTypes;
  readonly #config: Config;
  readonly #request: ComparisonRequest;
  #names: readonly string[];

  constructor(config: Config, request: ComparisonRequest, names: readonly string[]) {
    this.#config = config;
    this.formerTypes = new FormerTypes(config);
    this.#request = request;
    this.#names = names;
  }

  /** Compares tables as of one tick, and those that were altered in that moment as of another. Gives the new results. */
  async compareGroup(group: readonly ComparedTable[]): Promise<readonly TableResult[]> {
    const before = this.results.length;
    let todo: readonly Pair[] = group.flatMap((table) => this.#names.map((name) => ({ table, name })));
    for (let attempt = 1; todo.length > 0; attempt += 1) {
      todo = await this.#compareOnce(todo, attempt === maxAttempts);
    }
    return this.results.slice(before);
  }

  /** Resolves to what is to be compared once more. */
  async #compareOnce(pairs: readonly Pair[], isLast: boolean): Promise<Pair[]> {
    const names = [...new Set(pairs.map(({ name }) => name))];
    const tables = [...new Set(pairs.map(({ table }) => table))];
    const { timeoutMs } = this.#request;
    const alignment = await alignAtTick(this.#config, { names, timeoutMs, locked: isLast ? tables : [] });
    const reminder = setTimeout(() => this.#request.note(longRun), longRunMs);
    const again: Pair[] = [];
    try {
      this.absent.push(...alignment.absent);
      this.#names = this.#names.filter((name) => !alignment.absent.some((absent) => absent.name === name));
      for (const table of tables) {
        const places = alignment.subscribers.filter(({ name }) =>
          pairs.some((pair) => pair.table === table && pair.name === name),
        );
        if (places.length > 0) again.push(...(await this.#compareTable(table, places, { alignment, isLast })));
      }
    } finally {
      clearTimeout(reminder);
      await alignment.close();
    }
    return again;
  }

  async #compareTable(table: ComparedTable, places: readonly AlignedSubscriber[], attempt: Attempt): Promise<Pair[]> {
    const { provider } = attempt.alignment;
    const again: Pair[] = [];
    const outcomes = await withinTable(provider, async () => {
      const ours = openAtProvider(provider, table);
      // Whoever waits for it gets its error; there may be nobody.
      ours.catch(() => {});
      const found = await Promise.all(places.map((place) => this.#compareAt(place, table, { ours, ...attempt })));
      // Nothing may run in the session any more when its work on the table is undone.
      await ours.then(({ sums }) => sums).catch(() => {});
      return found;
    });
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome === 'retry') again.push({ table, name: places[at]?.name ?? '' });
      else if (outcome !== undefined) this.results.push(outcome);
    }
    return again;
  }

  /** Never throws: what prevents the comparison is its result. */
  async #compareAt(
    { name, client }: AlignedSubscriber,
    table: ComparedTable,
    { ours, alignment, isLast }: Attempt & { ours: Promise<SummedTable> },
  ): Promise<TableOutcome> {
    try {
      return await withinTable(client, async () => {
        const followed = (await listTables(client, this.#config.queue)).find((one) => sameTable(one, table));
        if (followed === undefined) return undefined;
        if (followed.state !== 'ok') throw new NotComparable(`it is ${followed.state} there; compare when it is ok`);
        const provider = await ours;
        const theirs = await openAtSubscriber(client, name, provider);
        try {
          const result = comparedResult(
            name,
            alignment,
            provider,
            await compareTable(provider, theirs, this.#request.limit),
          );
          if (result.state === 'equal') await this.formerTypes.note(client, name, table);
          return result;
        } finally {
          await theirs.sums.catch(() => {});
        }
      });
    } catch (error) {
      if (error instanceof NotComparable && error.isPassing && !isLast) return 'retry';
      const reason = error instanceof NotComparable ? error.message : toMillraceError(error).sentence;
      return notCompared(name, table, reason);
    }
  }
}

interface Pair {
  readonly table: ComparedTable;
  readonly name: string;
}

function comparedResult(
  subscriber: string,
  { tick }: Alignment,
  { table }: SummedTable,
  found: TableComparison,
): TableResult {
  const { missing, extra, different } = found.counts;
  return {
    ...notCompared(subscriber, table, null),
    state: missing + extra + different === 0 ? 'equal' : 'different',
    tick: tick.tick,
    providerRows: found.providerRows,
    subscriberRows: found.subscriberRows,
    missing,
    extra,
    different,
    differences: found.differences,
  };
}

function notCompared(subscriber: string, { schema, name, key }: ComparedTable, reason: string | null): TableResult {
  const nothing = { tick: null, providerRows: null, subscriberRows: null, missing: null, extra: null, different: null };
  return { schema, name, subscriber, state: 'not-compared', reason, ...nothing, key, differences: [] };
}

/**
 * Does work on one table inside a transaction whose snapshot stays. Whatever the work did is undone: its lock on the table is
 * released, open cursors are closed, and an error of one table does not spoil the next.
 */
async function withinTable<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  await client.query(beginTableSql);
  try {
    return await work();
  } finally {
    await client.query(endTableSql).catch(() => {});
  }
}
