import { codes, MillraceError } from '@millrace/errors';
import { pause } from '@millrace/lifecycle';
import type { Position, Tick } from '@millrace/model';
import { type BatchHeader, type Message, sha256Hex } from '@millrace/wire';
import type { StreamedBatch } from '../apply/applier.ts';
import type { WholeBatch } from '../apply/plan/plan-batch.ts';
import { type Held, Lane, type LaneOptions, type Refusal } from './lane.ts';

/** What can be applied now, in one transaction. */
export interface Ready {
  readonly from: Position;
  readonly to: Tick;
  readonly batches: number;
  /** Trace contexts of the batches, in order. */
  readonly headers: readonly BatchHeader[];
  readonly work: { readonly whole: readonly WholeBatch[] } | { readonly streamed: StreamedBatch };
  /** Where the last batch begins in the stream; null when it came by backfill. */
  readonly sequence: number | null;
}

export interface SourceOptions extends Pick<LaneOptions, 'queue' | 'onRefused'> {
  /** Opens the reader of the batches for all, and of those sent again for us. */
  readonly openBatches: LaneOptions['open'];
  readonly openBackfill: LaneOptions['open'];
  readonly from: number;
  /** Ends every wait. */
  readonly signal: AbortSignal;
  /**
   * Larger batches are applied while they arrive, and those whose end is not there yet from an eighth of it on. Bytes,
   * default 4 MiB.
   */
  readonly wholeBytes?: number;
  /** Longest wait for the next chunk of a begun batch. Milliseconds, default 15,000. */
  readonly chunkTimeoutMs?: number;
}

/** Bounds of one transaction over several waiting batches. */
const mostLines = 100_000;
const mostBatches = 1000;
/** While something lacks, the receiver is told of it this often, ms. */
const troubleMs = 400;

/** Picks from the bus what comes next for a position. Knows the gap, if the bus lacks it. */
export class Source {
  readonly #options: SourceOptions;
  readonly #lanes: readonly [backfill: Lane, batches: Lane];
  #news: (() => void) | undefined;
  #hasNews = false;
  #isInterrupted = false;
  #incompleteSince = 0;
  #refusedAt: number | undefined;
  /** Nothing that waits behind a batch is applied with it. */
  isOneByOne = false;
  /** Nothing behind this tick is applied with what leads to it; undefined: no such tick. */
  upTo: number | undefined;
  /** Reported so that capture sends what is missing. */
  gap: { from: number; to: number | null } | null = null;
  /** The bus speaks of another history than ours. */
  history: MillraceError | undefined;

  constructor(options: SourceOptions) {
    this.#options = options;
    const lane = (open: LaneOptions['open'], from: number) =>
      new Lane({
        queue: options.queue,
        open,
        from,
        onRefused: (refusal) => this.#refused(refusal),
        onNews: () => this.#wake(),
      });
    this.#lanes = [lane(options.openBackfill, 1), lane(options.openBatches, options.from)];
  }

  /** The next work for a position, waiting for it up to `timeoutMs`; undefined when there is none. */
  async next(position: Position, provider: string, timeoutMs: number): Promise<Ready | undefined> {
    const { signal } = this.#options;
    const begun = performance.now();
    while (!signal.aborted) {
      this.#hasNews = false;
      const ready = this.#look(position, provider);
      if (ready !== undefined) return ready;
      const isWell = this.gap === null && this.history === undefined && this.#incompleteSince === 0;
      const left = begun + (isWell ? timeoutMs : Math.min(timeoutMs, troubleMs)) - performance.now();
      if (left <= 0 || this.#isInterrupted) break;
      await this.#wait(left);
    }
    this.#isInterrupted = false;
    return undefined;
  }

  /** Ends a wait for the next work: there is something else to look at. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#wake();
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
    this.#wake();
  }

  #look(position: Position, provider: string): Ready | undefined {
    const founds = this.#lanes.map((lane) => ({ lane, found: lane.find(position, provider) }));
    let incomplete = false;
    // One lane may have whole what has broken off on the other.
    for (const unfinished of [false, true]) {
      for (const { lane, found } of founds) {
        if (found.kind !== 'batch') continue;
        const ready = this.#gather(lane, found.at, { position, provider, unfinished });
        if (ready !== undefined) return this.#progress(ready);
        incomplete = true;
      }
    }
    const gaps = founds.flatMap(({ found }) => (found.kind === 'gap' ? [found.to] : []));
    this.history = founds.some(({ found }) => found.kind === 'history') ? otherHistory(position) : undefined;
    if (incomplete) return this.#note(position, this.#isOverdue() ? null : undefined);
    this.#incompleteSince = 0;
    const known = gaps.filter((to) => to !== null);
    if (gaps.length > 0) return this.#note(position, known.length > 0 ? Math.min(...known) : null);
    return this.#note(position, this.#refusedAt === position.tick ? null : undefined);
  }

  #progress(ready: Ready): Ready {
    this.gap = null;
    this.history = undefined;
    this.#refusedAt = undefined;
    this.#incompleteSince = 0;
    return ready;
  }

  #note(position: Position, to: number | null | undefined): undefined {
    this.gap = to === undefined ? null : { from: position.tick, to };
    if (this.#refusedAt === -1) this.#refusedAt = position.tick;
    if (this.#refusedAt === position.tick && this.gap === null) this.gap = { from: position.tick, to: null };
    return undefined;
  }

  /** A begun batch whose rest does not come: after a while it must be sent again. */
  #isOverdue(): boolean {
    if (this.#incompleteSince === 0) this.#incompleteSince = performance.now();
    return performance.now() - this.#incompleteSince > (this.#options.chunkTimeoutMs ?? 15_000);
  }

  #gather(
    lane: Lane,
    at: number,
    { position, provider, unfinished }: { position: Position; provider: string; unfinished: boolean },
  ): Ready | undefined {
    const first = lane.held[at];
    if (first === undefined) return undefined;
    const whole = this.#whole(lane, first, unfinished);
    if (whole === 'incomplete') return undefined;
    const sequence = lane === this.#lanes[1] ? first.sequence : null;
    if (whole === 'large') {
      const streamed = this.#streamed(lane, first);
      const { header } = first.message;
      return { from: position, to: header.tick, batches: 1, headers: [header], work: { streamed }, sequence };
    }
    return this.#withFollowing(lane, { first: whole, sequence, position, provider });
  }

  /** Other batches that wait behind the first are applied with it: one transaction, one net change. */
  #withFollowing(
    lane: Lane,
    {
      first,
      sequence,
      position,
      provider,
    }: { first: WholeBatch; sequence: number | null; position: Position; provider: string },
  ): Ready {
    const batches = [first];
    let lines = linesOf(first);
    let bytes = bytesOf(first);
    let begin = sequence;
    let end: Tick = first.tick;
    const starts = new Map<string, Held>();
    for (const held of lane.held) {
      const { header } = held.message;
      if (header.chunk === 0 && header.provider === provider)
        starts.set(`${header.prev.tick} ${header.prev.fingerprint}`, held);
    }
    const isFull = () => batches.length >= mostBatches || lines >= mostLines || bytes >= this.#wholeBytes;
    while (!this.isOneByOne && end.tick !== this.upTo && !isFull()) {
      const next = starts.get(`${end.tick} ${end.fingerprint}`);
      const whole = next === undefined ? undefined : this.#whole(lane, next, false);
      if (next === undefined || whole === undefined || typeof whole === 'string') break;
      batches.push(whole);
      lines += linesOf(whole);
      bytes += bytesOf(whole);
      end = whole.tick;
      if (sequence !== null) begin = next.sequence;
    }
    const headers = batches.flatMap((batch) => (batch.chunks[0] === undefined ? [] : [batch.chunks[0].header]));
    return { from: position, to: end, batches: batches.length, headers, work: { whole: batches }, sequence: begin };
  }

  get #wholeBytes(): number {
    return this.#options.wholeBytes ?? 4 * 1024 * 1024;
  }

  /** `unfinished`: of a batch that is no small one, what is here already need not wait for the rest. */
  #whole(lane: Lane, first: Held, unfinished: boolean): WholeBatch | 'large' | 'incomplete' {
    const chunks: Message<BatchHeader>[] = [];
    let bytes = 0;
    for (
      let held: Held | undefined = first;
      held !== undefined;
      held = lane.chunk(first.message.header, chunks.length)
    ) {
      chunks.push(held.message);
      bytes += held.message.body.length;
      if (held.message.header.last) return this.#checked(lane, first, chunks) ?? 'incomplete';
      if (bytes > this.#wholeBytes) return 'large';
    }
    if (lane.isPast(first.message.header, chunks.length)) this.#incompleteSince ||= Number.NEGATIVE_INFINITY;
    else if (unfinished && bytes > this.#wholeBytes / 8) return 'large';
    return 'incomplete';
  }

  #checked(lane: Lane, first: Held, chunks: readonly Message<BatchHeader>[]): WholeBatch | undefined {
    const { header } = first.message;
    const wrong = totalsWrong(chunks.map((chunk) => chunk.header));
    if (wrong === undefined) return { prev: header.prev, tick: header.tick, chunks };
    this.#refuseBatch(lane, first, wrong);
    return undefined;
  }

  #refuseBatch(lane: Lane, first: Held, reason: string): void {
    lane.dropBatch(first.message.header);
    this.#incompleteSince = Number.NEGATIVE_INFINITY;
    this.#refused({ subject: 'batch', sequence: first.sequence, bytes: first.message.body.length, reason });
  }

  #streamed(lane: Lane, first: Held): StreamedBatch {
    return {
      first: first.message.header,
      open: () => this.#chunks(lane, first),
      putBack: () => lane.rewind(first.sequence),
    };
  }

  async *#chunks(lane: Lane, first: Held): AsyncGenerator<Message<BatchHeader>> {
    const headers: BatchHeader[] = [];
    for (let complete = false; !complete; ) {
      const held = await this.#chunk(lane, first, headers.length);
      headers.push(held.message.header);
      complete = held.message.header.last;
      // What was taken makes room for what follows; it is read again should all this be rolled back.
      lane.drop(held);
      const wrong = complete ? totalsWrong(headers) : undefined;
      if (wrong !== undefined) throw this.#broken(first, wrong);
      yield held.message;
    }
  }

  async #chunk(lane: Lane, first: Held, chunk: number): Promise<Held> {
    const { header } = first.message;
    const deadline = performance.now() + (this.#options.chunkTimeoutMs ?? 15_000);
    while (true) {
      this.#hasNews = false;
      const held = lane.chunk(header, chunk);
      if (held !== undefined) return held;
      if (this.#options.signal.aborted) throw this.#broken(first, 'replay is stopping');
      const left = deadline - performance.now();
      if (left <= 0 || lane.isPast(header, chunk)) throw this.#broken(first, 'a chunk is missing');
      await this.#wait(Math.min(left, 1000));
    }
  }

  #broken(first: Held, reason: string): MillraceError {
    this.#refusedAt = -1;
    this.gap = { from: first.message.header.prev.tick, to: null };
    return new MillraceError(codes.TIMEOUT, `a large batch did not arrive whole: ${reason}`, {
      advice: 'it is asked for again',
    });
  }

  #refused(refusal: Refusal): void {
    // The position it concerns is filled in at the next look.
    this.#refusedAt = -1;
    this.#options.onRefused(refusal);
  }

  #wake(): void {
    this.#hasNews = true;
    this.#news?.();
  }

  async #wait(ms: number): Promise<void> {
    if (this.#hasNews) return;
    const wakeOn = (end: () => void) => {
      this.#news = end;
      return () => {
        this.#news = undefined;
      };
    };
    await pause(ms, { signal: this.#options.signal, wakeOn });
  }
}

/** What the last chunk says of the whole; undefined when all is as it says. */
function totalsWrong(headers: readonly BatchHeader[]): string | undefined {
  const total = headers.at(-1)?.total;
  if (total === undefined) return 'the last chunk has no totals';
  if (total.chunks !== headers.length) return 'another number of chunks than announced';
  if (total.lines !== headers.reduce((sum, header) => sum + header.lines, 0))
    return 'another number of lines than announced';
  if (total.sha256 !== sha256Hex(headers.map((header) => header.sha256))) return 'the digest of all chunks differs';
  return undefined;
}

function linesOf(batch: WholeBatch): number {
  return batch.chunks.reduce((sum, chunk) => sum + chunk.header.lines, 0);
}

function bytesOf(batch: WholeBatch): number {
  return batch.chunks.reduce((sum, chunk) => sum + chunk.body.length, 0);
}

function otherHistory(position: Position): MillraceError {
  return new MillraceError(
    codes.PROVIDER_HISTORY,
    `the provider's history is not the one this subscriber followed: tick ${position.tick} is another one there`,
    {
      advice:
        'the provider was restored or lost its tail: find out which side is right, then register this subscriber and copy its tables anew',
    },
  );
}
