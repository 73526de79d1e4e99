import { codes, MillraceError } from '@millrace/errors';
import type { Position, Tick } from '@millrace/model';
import {
  type BatchHeader,
  type BatchSeen,
  encodeMessage,
  type Section,
  type SequenceValue,
  sha256Hex,
} from '@millrace/wire';
import { type SectionBuffer, walkRecords } from './sections.ts';

/** Which batch is written, and how its messages leave. */
export interface BatchTarget {
  readonly provider: string;
  readonly queue: string;
  readonly prev: Position;
  readonly tick: Tick;
  readonly seen: BatchSeen;
  readonly trace: string | undefined;
  /** Largest message the bus takes, bytes. */
  readonly maxPayload: number;
  /** Returns when the next message may be sent; not necessarily when this one is stored. */
  send(message: Buffer): Promise<void>;
}

/** What a written batch amounts to. */
export interface BatchTotals {
  readonly chunks: number;
  readonly lines: number;
  readonly bytes: number;
}

/** Larger messages make nothing faster, and readers hold several in memory. */
const chunkBytes = 1024 * 1024;
/** Of a message: NATS headers, frame, and the header's fixed fields. */
const fixedBytes = 4096;
/** Less than this of a long section is not worth squeezing into what is left of a chunk. */
const leastPart = 16 * 1024;

/** Cuts the sections of one batch into messages and sends them, always one behind, so that the last can be marked. */
export class BatchWriter {
  readonly #target: BatchTarget;
  readonly #room: number;
  #sections: Section[] = [];
  #parts: Buffer[] = [];
  #used = 0;
  #chunk = 0;
  #lines = 0;
  #bytes = 0;
  readonly #digests: string[] = [];
  /** Left out when it takes too much room: then the next batch tells what was seen. */
  readonly #seen: BatchSeen | undefined;

  constructor(target: BatchTarget) {
    this.#target = target;
    this.#room = Math.min(chunkBytes, target.maxPayload) - fixedBytes;
    if (this.#room < leastPart) throw tooSmall(target.maxPayload);
    const seenBytes = target.seen.snapshot.length;
    this.#seen = seenBytes <= this.#room / 2 ? target.seen : undefined;
    if (this.#seen !== undefined) this.#used = seenBytes;
  }

  /** Adds sections in order. What is full is sent. */
  async add(sections: readonly SectionBuffer[]): Promise<void> {
    for (const section of sections) await this.#addSection(section);
  }

  /** Sends what is left, marked as the last chunk. Sequences that do not fit in it go before it, in chunks of their own. */
  async finish(sequences: readonly SequenceValue[]): Promise<BatchTotals> {
    let waiting: SequenceValue[] = [];
    for (const value of sequences) {
      const bytes = Buffer.byteLength(JSON.stringify(value)) + 1;
      if (this.#used + bytes > this.#room && this.#used > 0) {
        await this.#send(waiting, false);
        waiting = [];
      }
      waiting.push(value);
      this.#used += bytes;
    }
    await this.#send(waiting, true);
    return { chunks: this.#chunk, lines: this.#lines, bytes: this.#bytes };
  }

  async #addSection(section: SectionBuffer): Promise<void> {
    const cut = new SectionCutter(section);
    // One without bytes, a truncate, is put in as well.
    for (let isIn = false; !isIn; ) {
      const overhead = this.#joins(section) ? 0 : section.kind.headerBytes;
      if (overhead > this.#room / 2) throw tooSmall(this.#target.maxPayload);
      const free = this.#room - this.#used - overhead;
      if (this.#used > 0 && free < Math.min(leastPart, cut.left())) {
        await this.#send([], false);
        continue;
      }
      this.#append(section, cut.next(free), overhead);
      isIn = cut.left() === 0;
    }
    this.#held.push(section);
  }

  #joins(section: SectionBuffer): boolean {
    const last = this.#lastKind;
    return last === section.kind && section.kind.form !== 'truncate' && this.#sections.length > 0;
  }

  #lastKind: SectionBuffer['kind'] | undefined;
  /** Sections whose last bytes are in the chunk that is being put together. */
  #held: SectionBuffer[] = [];

  #append(section: SectionBuffer, part: SectionPart, overhead: number): void {
    const { kind } = section;
    const last = this.#sections.at(-1);
    if (last !== undefined && this.#joins(section)) {
      this.#sections[this.#sections.length - 1] = {
        ...last,
        lines: last.lines + part.lines,
        bytes: last.bytes + part.bytes.length,
      };
    } else {
      const { table, form, source } = kind;
      const described = { table, form, columns: [...kind.columns], key: [...kind.key] };
      const told = source === undefined ? described : { ...described, source };
      this.#sections.push({ ...told, lines: part.lines, bytes: part.bytes.length, cont: part.cont });
    }
    this.#lastKind = kind;
    this.#parts.push(part.bytes);
    this.#used += overhead + part.bytes.length;
  }

  async #send(sequences: readonly SequenceValue[], last: boolean): Promise<void> {
    const header = this.#header(sequences, last);
    const message = encodeMessage(header, this.#parts);
    if (message.length > this.#target.maxPayload) throw tooSmall(this.#target.maxPayload);
    this.#sections = [];
    this.#parts = [];
    this.#used = 0;
    this.#chunk += 1;
    this.#lastKind = undefined;
    for (const section of this.#held) section.release();
    this.#held = [];
    await this.#target.send(message);
  }

  #header(sequences: readonly SequenceValue[], last: boolean): BatchHeader {
    const { provider, queue, prev, tick, trace } = this.#target;
    const sha256 = sha256Hex(this.#parts);
    const lines = this.#sections.reduce((sum, section) => sum + section.lines, 0);
    this.#digests.push(sha256);
    this.#lines += lines;
    for (const part of this.#parts) this.#bytes += part.length;
    const total = { chunks: this.#chunk + 1, lines: this.#lines, sha256: sha256Hex([this.#digests.join('')]) };
    return {
      v: 1,
      kind: 'batch',
      provider,
      queue,
      prev: { tick: prev.tick, fingerprint: prev.fingerprint },
      tick: { tick: tick.tick, fingerprint: tick.fingerprint, time: tick.time },
      chunk: this.#chunk,
      last,
      sections: this.#sections,
      lines,
      sha256,
      ...(this.#chunk === 0 && this.#seen !== undefined ? { seen: this.#seen } : {}),
      ...(last ? { total } : {}),
      ...(sequences.length > 0 ? { sequences: [...sequences] } : {}),
      ...(trace === undefined ? {} : { trace }),
    };
  }
}

interface SectionPart {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly cont: boolean;
}

/** Gives a section piece by piece: cut at a known record end where that fills the piece well, else at any byte. */
class SectionCutter {
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

  next(room: number): SectionPart {
    if (this.left() <= room) return this.#rest();
    const { marks } = this.#section;
    let found = -1;
    while (this.#mark < marks.length && (marks[this.#mark] ?? 0) <= this.#at + room) {
      found = this.#mark;
      this.#mark += 2;
    }
    const end = marks[found] ?? 0;
    if (end - this.#at >= room / 2) return this.#toMark(end, marks[found + 1] ?? 0);
    return this.#toByte(this.#at + room);
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

function tooSmall(maxPayload: number): MillraceError {
  return new MillraceError(
    codes.BUS_REFUSED,
    `the bus takes messages of ${maxPayload} bytes only, too small for a batch of this queue`,
    {
      advice: 'raise max_payload of nats-server to 1 MB',
    },
  );
}
