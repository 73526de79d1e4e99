// The sections of one batch cut into messages.
import { codes, MillraceError } from '@millrace/errors';
import { encodeMessage, type SequenceValue } from '@millrace/wire';
import { BatchHeaders, type BatchIdentity, type BatchTotals } from './batch-headers.ts';
import { OpenChunk } from './open-chunk.ts';
import type { SectionBuffer } from './section-buffer.ts';
import { SectionCutter } from './section-cutter.ts';

/** Where the messages go. */
export interface MessageSink {
  /** Largest message that the bus accepts, bytes. */
  readonly maxPayload: number;
  /** Returns when the next message may be sent; not necessarily when this one is stored. */
  send(message: Buffer): Promise<void>;
}

/** Larger messages make nothing faster, and readers hold several in memory. */
const maxChunkBytes = 1024 * 1024;
/** Of a message: NATS headers, frame, and the header's fixed fields. */
const fixedBytes = 4096;
/** A smaller piece of a long section is not put into what is left of a chunk. */
const minPartBytes = 16 * 1024;

/** Cuts sections into messages and sends them, always one behind, so that the last can be marked. */
export class BatchWriter {
  readonly #sink: MessageSink;
  readonly #headers: BatchHeaders;
  /** What a chunk may hold, bytes. */
  readonly #capacity: number;
  #chunk = new OpenChunk();

  constructor(batch: BatchIdentity, sink: MessageSink) {
    this.#sink = sink;
    this.#capacity = Math.min(maxChunkBytes, sink.maxPayload) - fixedBytes;
    if (this.#capacity < minPartBytes) throw tooSmall(sink.maxPayload);
    const seenBytes = batch.seen.snapshot.length;
    // Left out when it takes too much space: then the next batch says what was seen.
    const isSeenSent = seenBytes <= this.#capacity / 2;
    this.#headers = new BatchHeaders(batch, isSeenSent ? batch.seen : undefined);
    if (isSeenSent) this.#chunk.used = seenBytes;
  }

  /** Adds sections in order. Full chunks are sent. */
  async add(sections: readonly SectionBuffer[]): Promise<void> {
    for (const section of sections) await this.#addSection(section);
  }

  /** Sends what is left, marked as the last chunk. Sequences that do not fit in it go before it, in chunks of their own. */
  async finish(sequences: readonly SequenceValue[]): Promise<BatchTotals> {
    let waiting: SequenceValue[] = [];
    for (const value of sequences) {
      const bytes = Buffer.byteLength(JSON.stringify(value)) + 1;
      if (this.#chunk.used + bytes > this.#capacity && this.#chunk.used > 0) {
        await this.#send(waiting, false);
        waiting = [];
      }
      waiting.push(value);
      this.#chunk.used += bytes;
    }
    await this.#send(waiting, true);
    return this.#headers.totals;
  }

  async #addSection(section: SectionBuffer): Promise<void> {
    const cutter = new SectionCutter(section);
    // One without bytes, a truncate, is put in as well.
    for (let isIn = false; !isIn; ) {
      const overhead = this.#chunk.overheadOf(section);
      if (overhead > this.#capacity / 2) throw tooSmall(this.#sink.maxPayload);
      const free = this.#capacity - this.#chunk.used - overhead;
      if (this.#chunk.used > 0 && free < Math.min(minPartBytes, cutter.left())) {
        await this.#send([], false);
        continue;
      }
      this.#chunk.add(section, cutter.next(free));
      isIn = cutter.left() === 0;
    }
    this.#chunk.completed(section);
  }

  async #send(sequences: readonly SequenceValue[], last: boolean): Promise<void> {
    const chunk = this.#chunk;
    const message = encodeMessage(this.#headers.next(chunk, sequences, last), chunk.parts);
    if (message.length > this.#sink.maxPayload) throw tooSmall(this.#sink.maxPayload);
    this.#chunk = new OpenChunk();
    chunk.release();
    await this.#sink.send(message);
  }
}

function tooSmall(maxPayload: number): MillraceError {
  return new MillraceError(
    codes.BUS_REFUSED,
    `the bus accepts messages of ${maxPayload} bytes only, too small for a batch of this queue`,
    {
      advice: 'raise max_payload of nats-server to 1 MB',
    },
  );
}
