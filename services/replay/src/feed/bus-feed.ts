// The feed of one subscriber on the present connection to the bus. It is opened again when the connection is another one, and
// when the position is not where the feed led.
import { type Bus, getBySequence, openReader } from '@millrace/bus';
import { isSameTick, type Position } from '@millrace/model';
import type { StoredPosition } from '@millrace/subscriber';
import { backfillSubject, batchSubject, type Keyring, readMessage, streamName } from '@millrace/wire';
import { BatchFeed, type NextRequest, type Ready } from './batch-feed.ts';
import type { Gap } from './gap-watch.ts';
import type { MessageBufferOptions } from './message-buffer.ts';

export interface BusFeedOptions extends Pick<MessageBufferOptions, 'queue' | 'keyring' | 'onRefused'> {
  readonly subscriber: string;
  readonly wholeBytes: number;
  readonly chunkTimeoutMs: number;
  readonly signal: AbortSignal;
}

export interface BusRequest extends NextRequest {
  readonly bus: Bus;
  readonly position: StoredPosition;
}

const prefetchBytes = 4 * 1024 * 1024;
const idleCheckMs = 500;

export class BusFeed {
  readonly #options: BusFeedOptions;
  #feed: BatchFeed | undefined;
  #bus: Bus | undefined;
  /** Where the feed continues. */
  #expected: Position | undefined;

  constructor(options: BusFeedOptions) {
    this.#options = options;
  }

  /** As BatchFeed. */
  async next(request: BusRequest): Promise<Ready | undefined> {
    const { bus, position } = request;
    // Restored from a backup, or moved by a person: what the feed has passed may be needed again.
    const isElsewhere = this.#expected !== undefined && !isSameTick(this.#expected, position);
    if (isElsewhere || bus !== this.#bus) this.close();
    this.#feed ??= await this.#open(bus, position);
    this.#bus = bus;
    this.#expected = position;
    return this.#feed.next(request);
  }

  /** The work up to there is committed. */
  applied(to: Position): void {
    this.#expected = to;
  }

  interrupt(): void {
    this.#feed?.interrupt();
  }

  get gap(): Gap | null {
    return this.#feed?.gaps.gap ?? null;
  }

  /** Throws PROVIDER_HISTORY when the bus has another history than this subscriber. */
  requireSameHistory(): void {
    const error = this.#feed?.gaps.otherHistory;
    if (error !== undefined) throw error;
  }

  close(): void {
    this.#feed?.close();
    this.#feed = undefined;
  }

  async #open(bus: Bus, position: StoredPosition): Promise<BatchFeed> {
    const { queue, subscriber, ...options } = this.#options;
    const stream = streamName(queue);
    const open = (subject: string) => (from: number) =>
      openReader(bus, { stream, subject, from, prefetchBytes, idleCheckMs });
    return new BatchFeed({
      ...options,
      queue,
      openBatches: open(batchSubject(queue)),
      openBackfill: open(backfillSubject(queue, subscriber)),
      from: await startSequence(bus, { queue, keyring: options.keyring, position }),
    });
  }
}

/** Where the position's hint leads, if a batch that was applied is really there; else the beginning of the stream. */
async function startSequence(
  bus: Bus,
  { queue, keyring, position }: { queue: string; keyring: Keyring; position: StoredPosition },
): Promise<number> {
  const { busHint, provider, tick } = position;
  if (busHint === null) return 1;
  const stored = await getBySequence(bus, streamName(queue), busHint.sequence);
  const read = stored === undefined ? undefined : readMessage(keyring, stored);
  if (read?.kind !== 'message') return 1;
  const { header } = read.message;
  const isApplied = header.kind === 'batch' && header.provider === provider && header.tick.tick <= tick;
  return isApplied ? busHint.sequence : 1;
}
