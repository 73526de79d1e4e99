// The data of one event on its way into a section.
import { codes, MillraceError } from '@millrace/errors';
import { walkRecords } from './record-walk.ts';
import { SectionBuffer } from './section-buffer.ts';

const backslash = 0x5c;
const newline = 0x0a;
const quote = 0x22;
/** `(I,` before and `,)` behind the columns of a line. */
const prefix = 3;
const suffix = 2;
/** Bytes with a meaning inside an event of inserts. */
const special = new Uint8Array(256);
for (const byte of [backslash, newline, quote]) special[byte] = 1;
/** Below this a loop is faster than a call into native code. */
const maxLoopBytes = 192;

/** The event that is being written into its section. */
export class OpenEvent {
  section: SectionBuffer;
  readonly #lines: number;
  readonly #strip: boolean;
  /** Lines counted so far, where counting is needed. */
  #counted = 0;
  /** Where in the section the uncounted bytes of this event begin (change form), and whether inside quotes. */
  #from: number;
  #quoted = false;
  /** The last byte was the first of two backslashes. */
  #escaping = false;
  /** Bytes of the present record seen, as far as `prefix` (insert form). */
  #seen = 0;
  /** Where in the section the present record begins (insert form). */
  #recordAt: number;
  /** The present record has bytes in a section that was taken away. */
  #continued = false;
  /** All of the event is in its section; where it begins there. */
  #wholeFrom: number | undefined;

  constructor(section: SectionBuffer, lines: number) {
    this.section = section;
    this.#lines = lines;
    this.#strip = section.kind.form === 'insert';
    this.#from = section.length;
    this.#recordAt = section.length;
    this.#wholeFrom = section.length;
  }

  write(data: Buffer, from: number, to: number): void {
    this.section.reserve(to - from + 1);
    if (this.#strip) this.#writeStripped(data, from, to);
    else this.#writeWhole(data, from, to);
  }

  end(): void {
    const { section } = this;
    section.reserve(1);
    if (this.#strip) {
      this.#endRecord();
      if (this.#counted !== this.#lines) throw damaged();
    } else {
      section.bytes[section.length] = newline;
      section.length += 1;
      section.lines += this.#lines - this.#counted;
      if (this.#lines === 1 && this.#wholeFrom !== undefined) section.last?.add(section, this.#wholeFrom);
      else section.last?.forget();
    }
    section.mark();
  }

  /**
   * Ends the section here and opens its continuation. The last bytes of an unfinished record go into the continuation: they
   * may be the suffix that is to be removed.
   */
  split(): SectionBuffer {
    const part = this.section;
    if (!this.#strip) this.#countWhole();
    const carry = this.#strip ? Math.min(suffix, part.length - this.#recordAt) : 0;
    const carried = Buffer.from(part.bytes.subarray(part.length - carry, part.length));
    part.length -= carry;
    if (this.#strip && part.length > this.#recordAt) this.#continued = true;
    const rest = new SectionBuffer(part.kind, { cont: this.#continued, quoted: this.#quoted !== oddQuotes(carried) });
    rest.reserve(carried.length);
    carried.copy(rest.bytes, 0);
    rest.length = carried.length;
    this.section = rest;
    this.#wholeFrom = undefined;
    this.#from = 0;
    this.#recordAt = 0;
    return rest;
  }

  /** Counts the lines of this event that end in the section; needed only where an event is split. */
  #countWhole(): void {
    const part = this.section;
    const walk = walkRecords(part.bytes, { from: this.#from, to: part.length, quoted: this.#quoted });
    this.#counted += walk.lines;
    part.lines += walk.lines;
    this.#quoted = walk.quoted;
    if (walk.lastEnd >= 0) this.#continued = walk.lastEnd < part.length;
    else if (part.length > this.#from) this.#continued = true;
  }

  #writeWhole(data: Buffer, from: number, to: number): void {
    let start = from;
    for (let at = this.#nextBackslash(data, from, to); at < to; at = this.#nextBackslash(data, at + 1, to)) {
      this.#escaping = !this.#escaping;
      if (this.#escaping) continue;
      this.#copy(data, start, at);
      start = at + 1;
    }
    this.#copy(data, start, to);
  }

  /** `to` when there is none. */
  #nextBackslash(data: Buffer, from: number, to: number): number {
    if (to - from > maxLoopBytes) {
      const found = data.indexOf(backslash, from);
      return found < 0 ? to : found;
    }
    let i = from;
    while (i < to && data[i] !== backslash) i += 1;
    return i;
  }

  #writeStripped(data: Buffer, from: number, to: number): void {
    let quoted = this.#quoted;
    let i = this.#skipPrefix(from, to);
    let start = i;
    for (; i < to; i += 1) {
      const c = data[i] ?? 0;
      if (special[c] === 0) continue;
      if (c === quote) {
        quoted = !quoted;
      } else if (c === backslash) {
        this.#escaping = !this.#escaping;
        if (this.#escaping) continue;
        this.#copy(data, start, i);
        start = i + 1;
      } else if (!quoted) {
        this.#copy(data, start, i);
        this.#endRecord();
        this.#seen = 0;
        start = this.#skipPrefix(i + 1, to);
        i = start - 1;
      }
    }
    this.#copy(data, start, to);
    this.#quoted = quoted;
  }

  /** Skips what the data holds of a record's prefix; gives where the rest begins. */
  #skipPrefix(from: number, to: number): number {
    const skipped = Math.min(prefix - this.#seen, to - from);
    this.#seen += skipped;
    return from + skipped;
  }

  #copy(data: Buffer, from: number, to: number): void {
    const { section } = this;
    data.copy(section.bytes, section.length, from, to);
    section.length += to - from;
  }

  /** Replaces the record's suffix by a newline. */
  #endRecord(): void {
    const { section } = this;
    const end = section.length - suffix;
    if (end < this.#recordAt || section.bytes[end] !== 0x2c || section.bytes[end + 1] !== 0x29) throw damaged();
    section.bytes[end] = newline;
    section.length = end + 1;
    section.lines += 1;
    this.#counted += 1;
    this.#recordAt = section.length;
    this.#continued = false;
    section.mark();
  }
}

function oddQuotes(bytes: Uint8Array): boolean {
  let odd = false;
  for (const c of bytes) if (c === quote) odd = !odd;
  return odd;
}

function damaged(): MillraceError {
  return new MillraceError(codes.INTERNAL, 'an event of the queue does not hold the number of lines that it announces');
}
