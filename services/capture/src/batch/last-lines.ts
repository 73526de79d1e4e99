// Of a row that is updated several times, a line for each update, only the last line is needed: a subscriber applies a batch
// in one transaction and uses of each key its first operation, its last line, and whether the order of its lines is unknown.
// So an update replaces an earlier update of the same key.
import { closeGaps, placeUnit, type Records, startOf, wasteBefore } from './line-gaps.ts';
import { type Key, keyOf } from './record-key.ts';

const update = 0x55;
/** Of longer lines the key is not read; they replace nothing and are not replaced. */
const maxLineBytes = 8192;
/** At this number of keys all are forgotten. */
const maxKeys = 50_000;
/** After this number of lines a section of which fewer than one line in eight was replaced is no longer examined. */
const trialLines = 4096;
/** Bytes of replaced lines that a section keeps, and more while they are less than half of it. */
const minWasteBytes = 64 * 1024;

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
  #examined = 0;
  #replaced = 0;
  #isOff = false;
  /** The key's fields among those of a line, ascending; the operation is number 0. */
  readonly #keyAt: readonly number[];

  constructor(keyAt: readonly number[]) {
    this.#keyAt = keyAt;
  }

  /** The section's last record, from `from` on, came alone. It may replace an earlier one. */
  add(section: Records, from: number): void {
    if (this.#isOff) return;
    const { bytes, length } = section;
    const key = length - from > maxLineBytes ? undefined : keyOf(bytes, { from, to: length }, this.#keyAt);
    if (key === undefined) {
      this.forget();
      return;
    }
    if (bytes[from + 1] !== update) {
      this.#last.delete(key);
      return;
    }
    this.#examined += 1;
    if (this.#examined >= trialLines && this.#replaced * 8 < this.#examined) {
      this.#turnOff();
      return;
    }
    const place = from * placeUnit + length - from;
    const before = this.#last.get(key);
    if (before === undefined) this.#remember(key, place);
    else this.#replace(section, { key, before, place });
  }

  /** What comes now is not examined: no earlier line may be replaced any more. */
  forget(): void {
    if (this.#last.size > 0) this.#last = new Map();
  }

  /** Removes what was replaced. Afterwards `lines` and `marks` are those of what is left. */
  compact(section: Records): void {
    if (this.#gaps.length === 0) return;
    const gaps = Float64Array.from(this.#gaps).sort();
    closeGaps(section, gaps);
    const wasteOf = wasteBefore(gaps);
    for (const [key, place] of this.#last) this.#last.set(key, place - wasteOf(place) * placeUnit);
    this.#gaps = [];
    this.wasted = 0;
  }

  #turnOff(): void {
    this.#isOff = true;
    this.forget();
  }

  #remember(key: Key, place: number): void {
    if (this.#last.size >= maxKeys) this.forget();
    this.#last.set(key, place);
  }

  #replace(section: Records, { key, before, place }: { key: Key; before: number; place: number }): void {
    this.#replaced += 1;
    const size = place % placeUnit;
    const old = before % placeUnit;
    if (size === old) {
      const from = startOf(place);
      section.bytes.copy(section.bytes, startOf(before), from, from + size);
      section.length = from;
      section.lines -= 1;
      return;
    }
    this.#last.set(key, place);
    this.#gaps.push(before);
    this.wasted += old;
    if (this.wasted > minWasteBytes && this.wasted > section.length / 2) this.compact(section);
  }
}
