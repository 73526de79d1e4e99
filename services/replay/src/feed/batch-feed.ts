// The batches of a queue as they come from the bus: from the stream for all, and from the backfill for this subscriber.
import type { Position, Tick } from '@millrace/model';
import type { RefusedMessage } from '@millrace/subscriber';
import type { BatchHeader } from '@millrace/wire';
import type { StreamedBatch } from '../apply/applier.ts';
import type { WholeBatch } from '../apply/plan/plan-batch.ts';
import { Arrivals } from './arrivals.ts';
import { ChunkStream } from './chunk-stream.ts';
import { collectBatch, collectFollowing } from './collect-batch.ts';
import { GapWatch } from './gap-watch.ts';
import {
  type BufferedMessage,
  type Found,
  MessageBuffer,
  type MessageBufferOptions,
  type ProviderPosition,
} from './message-buffer.ts';

/** What can be applied now, in one transaction. */
export interface Ready {
  readonly from: Position;
  readonly to: Tick;
  readonly batches: number;
  /** First headers of the batches, in order. */
  readonly headers: readonly BatchHeader[];
  readonly work: { readonly whole: readonly WholeBatch[] } | { readonly streamed: StreamedBatch };
  /** Where the last batch begins in the stream; null when it came by backfill. */
  readonly sequence: number | null;
}

export interface BatchFeedOptions extends Pick<MessageBufferOptions, 'queue' | 'keyring' | 'onRefused'> {
  /** Opens the reader of the batches for all, and of those sent again for this subscriber. */
  readonly openBatches: MessageBufferOptions['open'];
  readonly openBackfill: MessageBufferOptions['open'];
  /** First sequence wanted of the batches for all. */
  readonly from: number;
  /** Larger batches are applied while they arrive, and those whose end is not there yet from an eighth of it on. Bytes. */
  readonly wholeBytes: number;
  /** A begun batch whose next chunk does not come within this is given up, ms. */
  readonly chunkTimeoutMs: number;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** Which work is wanted next. */
export interface NextRequest {
  readonly position: ProviderPosition;
  /** `next` returns without work after this, ms. */
  readonly timeoutMs: number;
  /** Nothing that waits behind a batch is applied with it. */
  readonly isOneByOne: boolean;
  /** Nothing behind this tick is applied with what leads to it; undefined: no such tick. */
  readonly upTo: number | undefined;
}

/** While something is missing, `next` returns this often, so that it is reported, ms. */
const shortageIntervalMs = 400;

/** Picks from the bus what comes next for a position. Knows what is missing, if the bus lacks it. */
export class BatchFeed {
  readonly #options: BatchFeedOptions;
  readonly #arrivals: Arrivals;
  readonly #backfill: MessageBuffer;
  readonly #batches: MessageBuffer;
  readonly gaps: GapWatch;
  #isInterrupted = false;

  constructor(options: BatchFeedOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.signal);
    this.gaps = new GapWatch(options.chunkTimeoutMs);
    this.#backfill = this.#buffer(options.openBackfill, 1);
    this.#batches = this.#buffer(options.openBatches, options.from);
  }

  /** The next work, waiting for it up to `timeoutMs`; undefined when there is none, or when interrupted. */
  async next(request: NextRequest): Promise<Ready | undefined> {
    const begun = performance.now();
    while (!this.#options.signal.aborted) {
      this.#arrivals.inspect();
      const ready = this.#pick(request);
      if (ready !== undefined) return ready;
      const { timeoutMs } = request;
      const waitMs = this.gaps.isClear ? timeoutMs : Math.min(timeoutMs, shortageIntervalMs);
      const leftMs = begun + waitMs - performance.now();
      if (leftMs <= 0 || this.#isInterrupted) break;
      await this.#arrivals.wait(leftMs);
    }
    this.#isInterrupted = false;
    return undefined;
  }

  /** Ends a wait for the next work: something else is to be done. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#arrivals.notify();
  }

  close(): void {
    this.#backfill.close();
    this.#batches.close();
    this.#arrivals.notify();
  }

  #buffer(open: MessageBufferOptions['open'], from: number): MessageBuffer {
    return new MessageBuffer({
      queue: this.#options.queue,
      keyring: this.#options.keyring,
      open,
      from,
      onRefused: (refused, isForeign) => this.#refused(refused, isForeign),
      onArrival: () => this.#arrivals.notify(),
    });
  }

  #pick(request: NextRequest): Ready | undefined {
    const buffers = [this.#backfill, this.#batches];
    const found = buffers.map((buffer) => ({ buffer, found: buffer.find(request.position) }));
    let isIncomplete = false;
    // What has broken off in one buffer may be whole in the other.
    for (const withUnfinished of [false, true]) {
      for (const one of found) {
        if (one.found.kind !== 'batch') continue;
        const ready = this.#readyFrom(one.buffer, one.found.first, { ...request, withUnfinished });
        if (ready !== undefined) {
          this.gaps.clear();
          return ready;
        }
        isIncomplete = true;
      }
    }
    this.gaps.note(request.position, { isIncomplete, ...shortageOf(found.map((one) => one.found)) });
    return undefined;
  }

  /** `withUnfinished`: a batch that is not small need not wait for its rest. */
  #readyFrom(
    buffer: MessageBuffer,
    first: BufferedMessage,
    { position, isOneByOne, upTo, withUnfinished }: NextRequest & { readonly withUnfinished: boolean },
  ): Ready | undefined {
    const maxWholeBytes = this.#options.wholeBytes;
    const minUnfinishedBytes = withUnfinished ? maxWholeBytes / 8 : undefined;
    const collected = collectBatch(buffer, first, { maxWholeBytes, minUnfinishedBytes });
    if (collected.kind === 'large') return this.#streamed(buffer, first, position);
    if (collected.kind !== 'whole') {
      if (collected.kind === 'wrong') this.#refuseBatch(buffer, first, collected.reason);
      else if (collected.isChunkMissing) this.gaps.chunkMissing();
      return undefined;
    }
    const { batch } = collected;
    const limits = { maxWholeBytes, upTo: isOneByOne ? batch.tick.tick : upTo };
    const start = { batch, sequence: first.sequence };
    const { batches, to, sequence } = collectFollowing(buffer, start, position, limits);
    return {
      from: position,
      to,
      batches: batches.length,
      headers: batches.flatMap(({ chunks }) => (chunks[0] === undefined ? [] : [chunks[0].header])),
      work: { whole: batches },
      sequence: buffer === this.#backfill ? null : sequence,
    };
  }

  #streamed(buffer: MessageBuffer, first: BufferedMessage, position: Position): Ready {
    const { signal, chunkTimeoutMs } = this.#options;
    const { header, sequence } = first;
    return {
      from: position,
      to: header.tick,
      batches: 1,
      headers: [header],
      work: {
        streamed: new ChunkStream(buffer, first, { arrivals: this.#arrivals, gaps: this.gaps, signal, chunkTimeoutMs }),
      },
      sequence: buffer === this.#backfill ? null : sequence,
    };
  }

  #refuseBatch(buffer: MessageBuffer, { header, sequence, body }: BufferedMessage, reason: string): void {
    buffer.dropBatch(header);
    this.gaps.batchRefused();
    this.#refused({ subject: 'batch', sequence, bytes: body.length, reason }, false);
  }

  #refused(refused: RefusedMessage, isForeign: boolean): void {
    // A message of others takes nothing away: what is missing beside it shows as a gap.
    if (!isForeign) this.gaps.refused();
    this.#options.onRefused(refused, isForeign);
  }
}

function shortageOf(found: readonly Found[]) {
  return {
    gapEnds: found.flatMap((one) => (one.kind === 'gap' ? [one.to] : [])),
    isOtherHistory: found.some((one) => one.kind === 'history'),
  };
}
