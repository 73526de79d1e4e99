import { AckPolicy, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { type Msg, headers as makeHeaders, nuid, type Subscription } from '@nats-io/transport-node';
import type { Bus } from '../connection/connect.ts';
import { apiPrefix } from '../connection/jet-stream.ts';
import { signatureOf } from '../connection/signature-header.ts';
import { type ReadItem, ReadQueue } from './read-queue.ts';
import { type StreamState, streamState } from './streams.ts';

export type { Delivered, ReadItem, ResetReason } from './read-queue.ts';

export interface ReaderOptions {
  readonly stream: string;
  readonly subject: string;
  /** First sequence wanted. Default 1: all that is there. */
  readonly from?: number;
  /** Only the newest message of each subject (for buckets), then what follows. */
  readonly newestOnly?: boolean;
  /** Bytes held in memory and not yet taken. Default 16 MiB. */
  readonly prefetchBytes?: number;
  /** After so long without a message the stream is inspected, ms. Default 1,000. In a long silence more rarely. */
  readonly idleCheckMs?: number;
}

/** Messages in order, and a notice of every break. End it with `close()` or by leaving the `for await` loop. */
export interface Reader extends AsyncIterable<ReadItem> {
  close(): void;
}

const pullMessages = 512;
const pullExpiresMs = 10_000;
/** The server reports the end of a pull; one without a report this long after its end is lost, ms. */
const pullGraceMs = 3000;
/** Maximal time between two inspections of the stream, ms. The server reports a lost consumer; an inspection finds the rest. */
const maxInspectMs = 5000;
const retryMs = 250;
/** In a cluster the server of a consumer may be lost silently: it sends a sign of life so often, ms, and is given up after three. */
const heartbeatMs = 1500;

/**
 * Reads a subject from a place on, for ever. Survives lost connections, restarted servers and missing streams. When
 * what it had read is no longer what the stream holds (made again, rolled back), it gives one `reset` item and goes on
 * from the oldest message; the receiver decides what it already knows. Messages that were discarded before they were
 * read are a jump in sequences, no reset.
 */
export function openReader(bus: Bus, options: ReaderOptions): Reader {
  return new SubjectReader(bus, options);
}

class SubjectReader implements Reader {
  readonly #bus: Bus;
  readonly #options: ReaderOptions;
  readonly #queue: ReadQueue;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  #inbox = '';
  /** Next sequence wanted of the stream, and next delivery of the consumer. */
  #next: number;
  #delivery = 0;
  #created: string | undefined;
  #pull: { id: number; left: number; got: number; since: number } | undefined;
  #pulls = 0;
  /** The last pull ended because one message is larger than it allowed. */
  #oversize = false;
  #opening = false;
  #closed = false;
  #lastSign = Date.now();
  /** As `#lastSign`, and heartbeats. */
  #lastBeat = Date.now();
  #inspectedAt = Date.now();
  #restarted = 0;

  constructor(bus: Bus, options: ReaderOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#next = options.from ?? 1;
    this.#queue = new ReadQueue(options.prefetchBytes ?? 16 * 1024 * 1024, () => this.#request());
    this.#stopListening = bus.onChange((connected) => {
      if (connected) this.#open();
      else this.#forget();
    });
    this.#open();
    this.#scheduleInspection();
  }

  [Symbol.asyncIterator](): AsyncIterator<ReadItem> {
    return {
      next: () => this.#queue.take(),
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopListening();
    this.#dropConsumer();
    this.#queue.end();
  }

  /** Makes a consumer at the place we are; tries again until it succeeds or the reader is closed. */
  #open(): void {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    void this.#tryOpen()
      .catch(() => false)
      .then((opened) => {
        this.#opening = false;
        if (this.#closed) this.#dropConsumer();
        else if (opened) this.#request();
        else setTimeout(() => this.#open(), retryMs).unref();
      });
  }

  async #tryOpen(): Promise<boolean> {
    this.#dropConsumer();
    if (!this.#bus.isConnected()) return false;
    const state = await streamState(this.#bus, this.#options.stream);
    if (state === undefined) return false;
    this.#compare(state);
    const name = `r_${nuid.next()}`;
    this.#listen(name);
    const newest = this.#options.newestOnly === true;
    await this.#bus.streams.consumers.add(this.#options.stream, {
      name,
      ack_policy: AckPolicy.None,
      deliver_policy: newest ? DeliverPolicy.LastPerSubject : DeliverPolicy.StartSequence,
      ...(newest ? {} : { opt_start_seq: this.#next }),
      filter_subject: this.#options.subject,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: 60_000_000_000,
      mem_storage: true,
      num_replicas: 1,
    });
    this.#consumer = name;
    this.#delivery = 0;
    this.#pull = undefined;
    this.#lastSign = Date.now();
    this.#lastBeat = Date.now();
    return true;
  }

  /** Notices that the stream is not the one we read, or lost what we read. */
  #compare(state: StreamState): void {
    const isRemade = this.#created !== undefined && this.#created !== state.created;
    const shorter = this.#next > state.last + 1;
    this.#created = state.created;
    if (!isRemade && !shorter) return;
    this.#next = 1;
    this.#queue.push({ kind: 'reset', reason: isRemade ? 'made-again' : 'rolled-back' });
  }

  #listen(name: string): void {
    this.#inbox = `${this.#bus.inboxPrefix}.${name}`;
    this.#subscription = this.#bus.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) this.#restart();
        else this.#receive(message);
      },
    });
  }

  #receive(message: Msg): void {
    this.#lastBeat = Date.now();
    if (message.headers?.code === 100) return;
    this.#lastSign = Date.now();
    if (message.subject.startsWith(this.#inbox)) {
      this.#status(message);
      return;
    }
    const place = placeOf(message.reply);
    if (place === undefined) return;
    if (place.delivery !== this.#delivery + 1) {
      this.#restart();
      return;
    }
    this.#delivery = place.delivery;
    this.#next = place.sequence + 1;
    this.#oversize = false;
    const pull = this.#pull;
    if (pull !== undefined) {
      pull.left -= 1;
      pull.got += 1;
      if (pull.left === 0) this.#pull = undefined;
    }
    const operation = message.headers?.get('KV-Operation') ?? '';
    this.#queue.push({
      kind: 'message',
      sequence: place.sequence,
      subject: message.subject,
      deleted: operation !== '',
      pending: place.pending,
      data: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
      signature: signatureOf(message.headers),
    });
    this.#request();
  }

  /** The server ends a pull: time is up, its bytes are used, or the consumer is gone. */
  #status(message: Msg): void {
    const pull = this.#pull;
    if (pull === undefined || message.subject !== `${this.#inbox}.${pull.id}`) return;
    const code = message.headers?.code ?? 0;
    const text = (message.headers?.description ?? '').toLowerCase();
    this.#pull = undefined;
    if (code === 408 || code === 404 || (code === 409 && text.includes('maxbytes'))) {
      this.#oversize = code === 409 && pull.got === 0;
      this.#request();
      return;
    }
    this.#restart();
  }

  /** One pull at a time, as large as the space in the queue; the next when it is used up. */
  #request(): void {
    if (this.#closed || this.#pull !== undefined || this.#consumer === undefined || !this.#bus.isConnected()) return;
    const space = this.#queue.space();
    if (space === 0) return;
    this.#pulls += 1;
    const batch = this.#oversize ? 1 : pullMessages;
    this.#pull = { id: this.#pulls, left: batch, got: 0, since: Date.now() };
    this.#lastBeat = Date.now();
    const request = {
      batch,
      expires: pullExpiresMs * 1_000_000,
      ...(this.#bus.isClustered() ? { idle_heartbeat: heartbeatMs * 1_000_000 } : {}),
      ...(this.#oversize ? {} : { max_bytes: space }),
    };
    this.#bus.connection.publish(
      `${apiPrefix(this.#bus)}.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#consumer}`,
      JSON.stringify(request),
      { reply: `${this.#inbox}.${this.#pulls}`, headers: makeHeaders() },
    );
  }

  #scheduleInspection(): void {
    const idle = this.#options.idleCheckMs ?? 1000;
    const silent = Date.now() - this.#lastSign;
    const pause = Math.min(Math.max(50, idle / 2, silent / 4), Math.max(maxInspectMs, idle / 2));
    const bound = this.#bus.isClustered() ? heartbeatMs : Number.POSITIVE_INFINITY;
    this.#timer = setTimeout(
      () => {
        void this.#inspect(idle);
        if (!this.#closed) this.#scheduleInspection();
      },
      Math.min(pause, bound),
    );
  }

  /** Inspects the stream when nothing came for a while: it may have been wiped, purged, replaced or rolled back. */
  async #inspect(idleMs: number): Promise<void> {
    if (this.#closed || this.#opening || !this.#bus.isConnected()) return;
    if (this.#consumer === undefined) {
      this.#open();
      return;
    }
    const now = Date.now();
    if (this.#pull !== undefined && this.#bus.isClustered() && now - this.#lastBeat > 3 * heartbeatMs) {
      this.#lastBeat = now;
      this.#restart();
      return;
    }
    if (now - Math.max(this.#lastSign, this.#inspectedAt) < idleMs || this.#queue.space() === 0) return;
    this.#inspectedAt = now;
    const silent = this.#pull !== undefined && now - this.#pull.since > pullExpiresMs + pullGraceMs;
    const consumer = this.#consumer;
    try {
      const state = await streamState(this.#bus, this.#options.stream);
      if (this.#consumer !== consumer) return;
      const moved = state === undefined || state.created !== this.#created || this.#next > state.last + 1;
      if (silent || moved) this.#restart();
    } catch {
      // The next inspection reports it; the bus reports a lost connection.
    }
  }

  /** Never twice in a moment: a server that keeps refusing would be queried without end. */
  #restart(): void {
    this.#forget();
    const wait = this.#restarted + retryMs - Date.now();
    this.#restarted = Date.now();
    if (wait <= 0) this.#open();
    else setTimeout(() => this.#open(), wait).unref();
  }

  #forget(): void {
    this.#pull = undefined;
    this.#consumer = undefined;
  }

  #dropConsumer(): void {
    const name = this.#consumer;
    this.#forget();
    if (this.#bus.connection.isClosed()) return;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    if (name === undefined || !this.#bus.isConnected()) return;
    // Not needed, only tidy: the server removes it after a minute of silence.
    this.#bus.streams.consumers.delete(this.#options.stream, name).catch(() => {});
  }
}

/** Stream and consumer sequence from `$JS.ACK.[domain.account.]stream.consumer.deliveries.sseq.dseq.time.pending…`. */
function placeOf(reply: string | undefined): { sequence: number; delivery: number; pending: number } | undefined {
  const parts = reply?.split('.') ?? [];
  const shift = parts.length > 9 ? 2 : 0;
  const sequence = Number(parts[5 + shift]);
  const delivery = Number(parts[6 + shift]);
  const pending = Number(parts[8 + shift]);
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(delivery)) return undefined;
  return { sequence, delivery, pending };
}
