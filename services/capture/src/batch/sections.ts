import type { TableName } from '@millrace/model';
import type { Section } from '@millrace/wire';
import { LastLines } from './last-lines.ts';

/** What all bytes of one section have in common. One object per kind: compare by identity. */
export interface SectionKind {
  readonly table: TableName;
  /** `tableKey` of it: made once, asked for every event. */
  readonly tableKey: string;
  readonly form: Section['form'];
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
  /** The key's fields among those of a change line, ascending, the operation being number 0. Undefined: not all are there. */
  readonly keyAt: readonly number[] | undefined;
  /** The numbers that the columns have in a table (its oid): they stay when names change. Undefined: not told. */
  readonly numbers: { readonly table: string; readonly of: readonly number[] } | undefined;
  /** Numbers and types of the columns as the event tells them (`parseSource`); undefined: not told. */
  readonly source: string | undefined;
  /** Length of the description in a message's header, bytes. */
  readonly headerBytes: number;
}

const newline = 0x0a;
const quote = 0x22;
/** An offset where a record ends is remembered this often; chunks are cut there. */
const markEvery = 32 * 1024;

const nothing = Buffer.alloc(0);

/** Large buffers to be used again: making and dropping them for every window costs more than filling them. */
class Spares {
  #free: Buffer[] = [];

  take(size: number): Buffer {
    const at = size < spareFrom ? -1 : this.#free.findIndex((buffer) => buffer.length >= size);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    return found ?? Buffer.allocUnsafeSlow(size);
  }

  give(buffer: Buffer): void {
    if (buffer.length < spareFrom || buffer.length > spareTo || this.#free.length >= spareCount) return;
    this.#free.push(buffer);
    this.#free.sort((a, b) => a.length - b.length);
  }
}

const spareFrom = 256 * 1024;
const spareTo = 16 * 1024 * 1024;
const spareCount = 4;
const spares = new Spares();

/** The records of one section, gathered. Filled by the regrouper, cut into chunks by the batch writer. */
export class SectionBuffer {
  /** Changes once, when the names that its columns have at the end of the batch are known. */
  kind: SectionKind;
  /** The first bytes continue a record that began in an earlier section of the same kind. */
  readonly cont: boolean;
  /** The first byte stands inside quotes. */
  readonly quoted: boolean;
  bytes: Buffer;
  length = 0;
  /** Records that end in it. */
  lines = 0;
  /** Offsets of record ends and the lines up to there, in turn. */
  readonly marks: number[] = [];
  /** Which updates are replaced by later ones; undefined where none can be. */
  readonly last: LastLines | undefined;

  constructor(kind: SectionKind, start: { cont: boolean; quoted: boolean } = { cont: false, quoted: false }) {
    this.kind = kind;
    this.cont = start.cont;
    this.quoted = start.quoted;
    this.bytes = Buffer.allocUnsafeSlow(kind.form === 'truncate' ? 0 : 4096);
    this.last = kind.form === 'change' && kind.keyAt !== undefined ? new LastLines(kind.keyAt) : undefined;
  }

  /** Bytes that will be sent. */
  get size(): number {
    return this.length - (this.last?.wasted ?? 0);
  }

  /** Makes room for `more` bytes behind `length`. */
  reserve(more: number): void {
    const need = this.length + more;
    if (need <= this.bytes.length) return;
    const larger = spares.take(Math.max(need, this.bytes.length * 4));
    this.bytes.copy(larger, 0, 0, this.length);
    spares.give(this.bytes);
    this.bytes = larger;
  }

  /** To be called when the bytes are no longer needed, so that others may use their memory. */
  release(): void {
    spares.give(this.bytes);
    this.bytes = nothing;
    this.length = 0;
  }

  /** Notes that a record ends here. */
  mark(): void {
    const last = this.marks.at(-2) ?? 0;
    if (this.length - last >= markEvery) this.marks.push(this.length, this.lines);
  }
}

/** Where a walk over records stands. */
export interface RecordWalk {
  readonly lines: number;
  readonly quoted: boolean;
  /** Offset behind the last record that ended; -1 when none did. */
  readonly lastEnd: number;
}

/** Counts the records that end in `bytes[from, to)`. A newline inside quotes is data. */
export function walkRecords(bytes: Uint8Array, range: { from: number; to: number; quoted: boolean }): RecordWalk {
  let { quoted } = range;
  let lines = 0;
  let lastEnd = -1;
  for (let i = range.from; i < range.to; i += 1) {
    const c = bytes[i];
    if (c === quote) quoted = !quoted;
    else if (c === newline && !quoted) {
      lines += 1;
      lastEnd = i + 1;
    }
  }
  return { lines, quoted, lastEnd };
}
