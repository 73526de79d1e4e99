import { type TableName, tableLabel } from '@millrace/model';
import type { PgClient, TableShape } from '@millrace/postgres';
import { differingRanges, firstBits, nextBits, type RangeSum, totalRows } from './diff-ranges.ts';
import { type DifferenceKind, type KeyDifference, mergeRows } from './merge-rows.ts';
import type { Ranges, Reading } from './plan-compare.ts';
import { type OpenTable, readRows, readSums } from './read-ranges.ts';
import { NotComparable, readShape } from './table-shape.ts';

/** A table of the set as the provider's snapshot has it. */
export interface ComparedTable extends TableName {
  readonly key: readonly string[];
  /** Rows by the server's statistics. */
  readonly estimate: number;
}

/** What came of one table at one subscriber. */
export interface TableComparison {
  readonly providerRows: number;
  readonly subscriberRows: number;
  readonly counts: Readonly<Record<DifferenceKind, number>>;
  /** The first of them, in no order that means anything. */
  readonly differences: readonly KeyDifference[];
}

/** A table open at one side, with the sums of its ranges on their way: both sides are read concurrently. */
export interface SummedTable {
  readonly table: ComparedTable;
  readonly open: OpenTable;
  readonly bits: number;
  readonly sums: Promise<readonly RangeSum[]>;
  /** Work that needs the session for itself, one after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

const everything = { bits: 0, numbers: null };

/** What of a table is compared: all columns of the provider but generated ones. Locks it against being altered. Throws NotComparable. */
export async function readingAtProvider(client: PgClient, table: ComparedTable): Promise<Reading> {
  const shape = await readShape(client, table);
  const columns = shape.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  if (table.key.length === 0 || table.key.some((name) => !columns.includes(name))) {
    throw new NotComparable('its key is being changed', { isPassing: true });
  }
  return { table, shape, columns, key: table.key };
}

/** The same columns at a subscriber. Throws NotComparable naming what it lacks. */
export async function readingAtSubscriber(client: PgClient, provider: Reading): Promise<Reading> {
  const shape = await readShape(client, provider.table);
  for (const wanted of provider.columns) checkColumn(shape, wanted);
  return { ...provider, shape };
}

/** Opens a table at the provider and begins to read it, once for all subscribers. Throws NotComparable. */
export async function openAtProvider(client: PgClient, table: ComparedTable): Promise<SummedTable> {
  const reading = await readingAtProvider(client, table);
  return begin(table, { client, reading, label: `the provider: ${tableLabel(table)}` }, firstBits(table.estimate));
}

/** Opens the same columns of it at a subscriber. Throws NotComparable naming what it lacks. */
export async function openAtSubscriber(client: PgClient, name: string, provider: SummedTable): Promise<SummedTable> {
  const { table, open, bits } = provider;
  const reading = await readingAtSubscriber(client, open.reading);
  return begin(table, { client, reading, label: `subscriber ${name}: ${tableLabel(table)}` }, bits);
}

function begin(table: ComparedTable, open: OpenTable, bits: number): SummedTable {
  const sums = readSums(open, bits, everything);
  // Whoever waits for them gets the error; until then it must not end the process.
  sums.catch(() => {});
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  return { table, open, bits, sums, inTurn };
}

/**
 * Compares a table at both sides: sums of ranges of keys, then smaller ranges within those that differ, then the rows of these.
 * The first `limit` differences are kept.
 */
export async function compareTable(
  provider: SummedTable,
  subscriber: SummedTable,
  limit: number,
): Promise<TableComparison> {
  const sums = await Promise.all([provider.sums, subscriber.sums]);
  const counts = { missing: 0, extra: 0, different: 0 };
  const differences: KeyDifference[] = [];
  if (differingRanges(...sums).ranges.length > 0) {
    await provider.inTurn(async () => {
      for await (const difference of findDifferences(provider.open, subscriber.open, { bits: provider.bits, sums })) {
        counts[difference.kind] += 1;
        if (differences.length < limit) differences.push(difference);
      }
    });
  }
  return { providerRows: totalRows(sums[0]), subscriberRows: totalRows(sums[1]), counts, differences };
}

interface Sums {
  readonly bits: number;
  readonly sums: readonly [readonly RangeSum[], readonly RangeSum[]];
}

async function* findDifferences(
  provider: OpenTable,
  subscriber: OpenTable,
  first: Sums,
): AsyncGenerator<KeyDifference> {
  const within = await narrow(provider, subscriber, first);
  if (within !== undefined) yield* mergeRows(readRows(provider, within), readRows(subscriber, within));
}

/** The smallest ranges worth looking at that hold all differences; undefined when there are none. */
async function narrow(provider: OpenTable, subscriber: OpenTable, first: Sums): Promise<Ranges | undefined> {
  let { bits, sums } = first;
  for (;;) {
    const differing = differingRanges(...sums);
    if (differing.ranges.length === 0) return undefined;
    const within = { bits, numbers: differing.ranges };
    const next = nextBits(bits, differing);
    if (next === undefined) return within;
    sums = await Promise.all([readSums(provider, next, within), readSums(subscriber, next, within)]);
    bits = next;
  }
}

function checkColumn(shape: TableShape, wanted: string): void {
  const found = shape.columns.find(({ name }) => name === wanted);
  const label = JSON.stringify(wanted);
  if (found === undefined) throw new NotComparable(`it lacks column ${label}`);
  if (found.generated) throw new NotComparable(`its column ${label} is generated there and not at the provider`);
}
