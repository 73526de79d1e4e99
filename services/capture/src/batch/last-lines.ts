// A row that is updated again and again, a line for each update, needs only its last line: a batch is one transaction for
// those who apply it, and they look at nothing else of the key than its first operation, its last line, and whether some of
// its lines are vague. So an update behind an update of the same key takes its place.

/** Records in memory, as a section holds them. */
export interface Records {
  readonly bytes: Buffer;
  length: number;
  lines: number;
  readonly marks: number[];
}

const quote = 0x22;
const comma = 0x2c;
const update = 0x55;
/** Longer lines are not looked into for their key, nor do they count as somebody's last. */
const longestLine = 8192;
/** More keys than these are forgotten and learned anew. */
const mostKeys = 50_000;
/** A section of which fewer than one line in eight was replaced after so many lines is not worth the trouble. */
const trialLines = 4096;
/** So many bytes of replaced lines may lie about before they are cleared away, if they are also half of all. */
const leastWaste = 64 * 1024;
/** A place is an offset and a length (below 2^14) in one number. */
const placeUnit = 16_384;

/**
 * Knows the last update of each key in one section, as far as lines came one by one. Keys are the same when their bytes are;
 * where equal keys differ in their bytes, both lines stay. Between two updates of which the first goes there is no other
 * line of the key in the section.
 */
export class LastLines {
  /** Places of lines that are updates and the last of their key. */
  #last = new Map<Key, number>();
  /** Places of lines that were replaced. */
  #gaps: number[] = [];
  /** Bytes of replaced lines that still lie in the section. */
  wasted = 0;
  #looked = 0;
  #replaced = 0;
  #isOff = false;
  /** The key's fields among those of a line, ascending; the operation is number 0. */
  readonly #keyAt: readonly number[];

  constructor(keyAt: readonly number[]) {
    this.#keyAt = keyAt;
  }

  /** The section's last record, from `from` on, came alone. It may take the place of an earlier one. */
  took(section: Records, from: number): void {
    if (this.#isOff) return;
    const { bytes, length } = section;
    const key = length - from > longestLine ? undefined : keyOf(bytes, { from, to: length }, this.#keyAt);
    if (key === undefined) {
      this.forget();
      return;
    }
    if (bytes[from + 1] !== update) {
      this.#last.delete(key);
      return;
    }
    this.#looked += 1;
    if (this.#looked >= trialLines && this.#replaced * 8 < this.#looked) {
      this.#giveUp();
      return;
    }
    const place = from * placeUnit + length - from;
    const before = this.#last.get(key);
    if (before === undefined) this.#remember(key, place);
    else this.#replace(section, { key, before, place });
  }

  /** What comes now is not looked at: no earlier line may be replaced any more. */
  forget(): void {
    if (this.#last.size > 0) this.#last = new Map();
  }

  /** Clears away what was replaced. Afterwards `lines` and `marks` are those of what is left. */
  compact(section: Records): void {
    if (this.#gaps.length === 0) return;
    const gaps = Float64Array.from(this.#gaps).sort();
    closeGaps(section, gaps);
    const wasteOf = wasteBefore(gaps);
    for (const [key, place] of this.#last) this.#last.set(key, place - wasteOf(place) * placeUnit);
    this.#gaps = [];
    this.wasted = 0;
  }

  #giveUp(): void {
    this.#isOff = true;
    this.forget();
  }

  #remember(key: Key, place: number): void {
    if (this.#last.size >= mostKeys) this.forget();
    this.#last.set(key, place);
  }

  #replace(section: Records, { key, before, place }: { key: Key; before: number; place: number }): void {
    this.#replaced += 1;
    const size = place % placeUnit;
    const old = before % placeUnit;
    if (size === old) {
      const from = start(place);
      section.bytes.copy(section.bytes, start(before), from, from + size);
      section.length = from;
      section.lines -= 1;
      return;
    }
    this.#last.set(key, place);
    this.#gaps.push(before);
    this.wasted += old;
    if (this.wasted > leastWaste && this.wasted > section.length / 2) this.compact(section);
  }
}

const start = (place: number): number => Math.floor(place / placeUnit);

function closeGaps(section: Records, gaps: Float64Array): void {
  const { bytes, marks } = section;
  let to = start(gaps[0] ?? 0);
  let mark = 0;
  let waste = 0;
  for (let i = 0; i < gaps.length; i += 1) {
    const gap = gaps[i] ?? 0;
    const size = gap % placeUnit;
    for (; mark < marks.length && (marks[mark] ?? 0) <= start(gap); mark += 2)
      moveMark(marks, mark, { waste, lines: i });
    waste += size;
    const from = start(gap) + size;
    const end = i + 1 < gaps.length ? start(gaps[i + 1] ?? 0) : section.length;
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

/** Gives for a place that is no gap the bytes of the gaps before it. */
function wasteBefore(gaps: Float64Array): (place: number) => number {
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

/** What tells one key from another: a number, which costs least, where it is one that has only this text. */
type Key = string | number;

/** Where a key begins in most lines: behind the operation. */
const firstField = 3;

function keyOf(bytes: Buffer, record: { from: number; to: number }, keyAt: readonly number[]): Key | undefined {
  const isFirst = keyAt.length === 1 && keyAt[0] === 1;
  return (isFirst ? numberAt(bytes, record.from + firstField) : undefined) ?? keyText(bytes, record, keyAt);
}

/** A field of up to 15 digits, the first of which is no zero. */
function numberAt(bytes: Buffer, from: number): number | undefined {
  if (bytes[from] === 0x30) return undefined;
  let value = 0;
  for (let i = from; i < from + 16; i += 1) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else return i > from && bytes[i] === comma ? value : undefined;
  }
  return undefined;
}

/** The raw fields of the key; undefined when the record has fewer fields. */
function keyText(
  bytes: Buffer,
  { from, to }: { from: number; to: number },
  keyAt: readonly number[],
): string | undefined {
  let field = 0;
  let begin = from;
  let quoted = false;
  let wanted = 0;
  let text = '';
  for (let i = from; i < to; i += 1) {
    const c = bytes[i];
    if (c === quote) quoted = !quoted;
    if (c !== comma || quoted) continue;
    if (field === keyAt[wanted]) {
      const value = bytes.toString('latin1', begin, i);
      wanted += 1;
      if (wanted === keyAt.length) return wanted === 1 ? value : `${text},${value}`;
      text = wanted === 1 ? value : `${text},${value}`;
    }
    field += 1;
    begin = i + 1;
  }
  return undefined;
}
