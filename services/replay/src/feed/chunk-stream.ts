// A batch too large for memory: its chunks are given one by one while the rest arrives.
import type { BatchHeader, Message } from '@millrace/wire';
import type { StreamedBatch } from '../apply/applier.ts';
import type { Arrivals } from './arrivals.ts';
import { wrongTotals } from './collect-batch.ts';
import type { GapWatch } from './gap-watch.ts';
import type { BufferedMessage, MessageBuffer } from './message-buffer.ts';

export interface ChunkStreamOptions {
  readonly arrivals: Arrivals;
  readonly gaps: GapWatch;
  readonly signal: AbortSignal;
  /** The batch is given up when the next chunk does not come within this, ms. */
  readonly chunkTimeoutMs: number;
}

/** One wait for a chunk, ms. */
const maxWaitMs = 1000;

export class ChunkStream implements StreamedBatch {
  readonly first: BatchHeader;
  readonly #buffer: MessageBuffer;
  readonly #sequence: number;
  readonly #options: ChunkStreamOptions;

  constructor(buffer: MessageBuffer, { header, sequence }: BufferedMessage, options: ChunkStreamOptions) {
    this.first = header;
    this.#buffer = buffer;
    this.#sequence = sequence;
    this.#options = options;
  }

  async *open(): AsyncGenerator<Message<BatchHeader>> {
    const headers: BatchHeader[] = [];
    for (let isLast = false; !isLast; ) {
      const chunk = await this.#next(headers.length);
      headers.push(chunk.header);
      isLast = chunk.header.last;
      // The buffer is bounded. After a rollback the chunk is read again.
      this.#buffer.drop(chunk);
      const wrong = isLast ? wrongTotals(headers) : undefined;
      if (wrong !== undefined) throw this.#brokenOff(wrong);
      yield chunk;
    }
  }

  putBack(): void {
    this.#buffer.rewind(this.#sequence);
  }

  async #next(chunk: number): Promise<BufferedMessage> {
    const { arrivals, signal, chunkTimeoutMs } = this.#options;
    const deadline = performance.now() + chunkTimeoutMs;
    while (true) {
      arrivals.inspect();
      const found = this.#buffer.chunk(this.first, chunk);
      if (found !== undefined) return found;
      if (signal.aborted) throw this.#brokenOff('replay is stopping');
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || this.#buffer.isPast(this.first, chunk)) throw this.#brokenOff('a chunk is missing');
      await arrivals.wait(Math.min(leftMs, maxWaitMs));
    }
  }

  #brokenOff(reason: string) {
    return this.#options.gaps.brokenOff(this.first.prev, reason);
  }
}
