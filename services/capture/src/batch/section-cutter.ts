// A section cut into pieces that fit into messages.
import { walkRecords } from './record-walk.ts';
import type { SectionBuffer } from './section-buffer.ts';

export interface SectionPart {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly cont: boolean;
}

/** Gives a section piece by piece: cut at a known record end where that fills the piece well, else at any byte. */
export class SectionCutter {
  readonly #section: SectionBuffer;
  #at = 0;
  #lines = 0;
  #cont: boolean;
  #quoted: boolean;
  /** Index of the next mark behind `#at`. */
  #mark = 0;

  constructor(section: SectionBuffer) {
    this.#section = section;
    this.#cont = section.cont;
    this.#quoted = section.quoted;
  }

  left(): number {
    return this.#section.length - this.#at;
  }

  next(space: number): SectionPart {
    if (this.left() <= space) return this.#rest();
    const { marks } = this.#section;
    let found = -1;
    while (this.#mark < marks.length && (marks[this.#mark] ?? 0) <= this.#at + space) {
      found = this.#mark;
      this.#mark += 2;
    }
    const end = marks[found] ?? 0;
    if (end - this.#at >= space / 2) return this.#toMark(end, marks[found + 1] ?? 0);
    return this.#toByte(this.#at + space);
  }

  #rest(): SectionPart {
    const { section, cont } = { section: this.#section, cont: this.#cont };
    const bytes = section.bytes.subarray(this.#at, section.length);
    const lines = section.lines - this.#lines;
    this.#at = section.length;
    return { bytes, lines, cont };
  }

  #toMark(end: number, linesThere: number): SectionPart {
    const part = {
      bytes: this.#section.bytes.subarray(this.#at, end),
      lines: linesThere - this.#lines,
      cont: this.#cont,
    };
    this.#move(end, { lines: linesThere, cont: false, quoted: false });
    return part;
  }

  #toByte(end: number): SectionPart {
    const { bytes } = this.#section;
    const walk = walkRecords(bytes, { from: this.#at, to: end, quoted: this.#quoted });
    const part = { bytes: bytes.subarray(this.#at, end), lines: walk.lines, cont: this.#cont };
    this.#move(end, { lines: this.#lines + walk.lines, cont: walk.lastEnd !== end, quoted: walk.quoted });
    return part;
  }

  #move(end: number, state: { lines: number; cont: boolean; quoted: boolean }): void {
    this.#at = end;
    this.#lines = state.lines;
    this.#cont = state.cont;
    this.#quoted = state.quoted;
  }
}
