// The bytes of one section in memory.
import { LastLines } from './last-lines.ts';
import type { SectionKind } from './section-kind.ts';
import { SpareBuffers } from './spare-buffers.ts';

/** Distance between remembered offsets of record ends, where chunks are cut. */
const markBytes = 32 * 1024;

const nothing = Buffer.alloc(0);
const spares = new SpareBuffers();

/** Filled by the regrouper, cut into chunks by the batch writer. */
export class SectionBuffer {
  /** Changes once, when the names that its columns have at the end of the batch are known. */
  kind: SectionKind;
  /** The first bytes continue a record that began in an earlier section of the same kind. */
  readonly cont: boolean;
  /** The first byte is inside quotes. */
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

  /** Makes space for `more` bytes behind `length`. */
  reserve(more: number): void {
    const need = this.length + more;
    if (need <= this.bytes.length) return;
    const larger = spares.take(Math.max(need, this.bytes.length * 4));
    this.bytes.copy(larger, 0, 0, this.length);
    spares.give(this.bytes);
    this.bytes = larger;
  }

  /** Call when the bytes are no longer needed, so that others may use their memory. */
  release(): void {
    spares.give(this.bytes);
    this.bytes = nothing;
    this.length = 0;
  }

  /** Notes that a record ends here. */
  mark(): void {
    const last = this.marks.at(-2) ?? 0;
    if (this.length - last >= markBytes) this.marks.push(this.length, this.lines);
  }
}
