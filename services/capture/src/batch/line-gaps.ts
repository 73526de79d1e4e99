// Lines that were replaced leave gaps in a section. A place is an offset and a length in one number.

/** Records in memory, in a section. */
export interface Records {
  readonly bytes: Buffer;
  length: number;
  lines: number;
  readonly marks: number[];
}

/** Lengths are below this (2^14). */
export const placeUnit = 16_384;

/** The offset of a place. */
export const startOf = (place: number): number => Math.floor(place / placeUnit);

/** Removes the gaps, sorted, and moves what lies between them together. */
export function closeGaps(section: Records, gaps: Float64Array): void {
  const { bytes, marks } = section;
  let to = startOf(gaps[0] ?? 0);
  let mark = 0;
  let waste = 0;
  for (let i = 0; i < gaps.length; i += 1) {
    const gap = gaps[i] ?? 0;
    const size = gap % placeUnit;
    for (; mark < marks.length && (marks[mark] ?? 0) <= startOf(gap); mark += 2)
      moveMark(marks, mark, { waste, lines: i });
    waste += size;
    const from = startOf(gap) + size;
    const end = i + 1 < gaps.length ? startOf(gaps[i + 1] ?? 0) : section.length;
    // Most gaps lie side by side.
    if (end > from) bytes.copyWithin(to, from, end);
    to += end - from;
  }
  for (; mark < marks.length; mark += 2) moveMark(marks, mark, { waste, lines: gaps.length });
  section.length = to;
  section.lines -= gaps.length;
}

function moveMark(marks: number[], at: number, by: { waste: number; lines: number }): void {
  marks[at] = (marks[at] ?? 0) - by.waste;
  marks[at + 1] = (marks[at + 1] ?? 0) - by.lines;
}

/** A function that gives, for a place that is no gap, the bytes of the gaps before it. */
export function wasteBefore(gaps: Float64Array): (place: number) => number {
  const sums = new Float64Array(gaps.length + 1);
  for (let i = 0; i < gaps.length; i += 1) sums[i + 1] = (sums[i] ?? 0) + ((gaps[i] ?? 0) % placeUnit);
  return (place) => {
    let [low, high] = [0, gaps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((gaps[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return sums[low] ?? 0;
  };
}
