/** What one side has in one range of keys. Decimal texts: the sums are larger than any number. */
export interface RangeSum {
  readonly range: number;
  readonly rows: number;
  readonly a: string;
  readonly b: string;
}

/** The ranges in which the sides differ, and the rows that these hold at the larger side. */
export function differingRanges(
  provider: readonly RangeSum[],
  subscriber: readonly RangeSum[],
): { readonly ranges: readonly number[]; readonly rows: number } {
  const there = new Map(subscriber.map((sum) => [sum.range, sum]));
  const ranges: number[] = [];
  let [here, far] = [0, 0];
  const note = (range: number, left: RangeSum | undefined, right: RangeSum | undefined) => {
    if (left?.rows === right?.rows && left?.a === right?.a && left?.b === right?.b) return;
    ranges.push(range);
    here += left?.rows ?? 0;
    far += right?.rows ?? 0;
  };
  for (const sum of provider) {
    note(sum.range, sum, there.get(sum.range));
    there.delete(sum.range);
  }
  for (const sum of there.values()) note(sum.range, undefined, sum);
  return { ranges, rows: Math.max(here, far) };
}

export function totalRows(sums: readonly RangeSum[]): number {
  return sums.reduce((total, { rows }) => total + rows, 0);
}

/** Up to this number rows are read one by one instead of comparing smaller ranges. */
const fewRows = 100_000;
const maxBits = 28;
/** Bits of the first comparison. A table without rows still has some ranges: the estimate may be wrong. */
const minFirstBits = 4;
const maxFirstBits = 14;

/** Bits of the first ranges: about a thousand rows in each. */
export function firstBits(estimatedRows: number): number {
  const wanted = Math.ceil(Math.log2(Math.max(1, estimatedRows) / 1000));
  return Math.min(maxFirstBits, Math.max(minFirstBits, wanted));
}

/**
 * Bits of the next, smaller ranges inside those that differ; undefined when the rows themselves are to be read: there are
 * few, or more than a quarter of the ranges differ, so that smaller ones would rule nothing out.
 */
export function nextBits(bits: number, differing: { ranges: readonly number[]; rows: number }): number | undefined {
  const isEverywhere = differing.ranges.length * 4 > 2 ** bits;
  if (differing.rows <= fewRows || isEverywhere || bits >= maxBits) return undefined;
  return Math.min(maxBits, bits + 7);
}
