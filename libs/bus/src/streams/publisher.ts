import { codes, MillraceError } from '@millrace/errors';
import { apiCodeOf, apiCodes, busError } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { jetStreamOf } from '../connection/jet-stream.ts';
import { signatureHeaders } from '../connection/signature-header.ts';

export interface PublisherOptions {
  /** The stream written to, for messages to people. */
  readonly stream: string;
  /**
   * The sequence of the stream's last message. Given: every message demands that the stream ends where this publisher
   * left it, so that a second instance, or a stream that lost its tail, is noticed by the first message. Left out: no fence.
   */
  readonly lastSequence?: number;
  /** Messages on their way, not yet acknowledged. Default 64. */
  readonly windowMessages?: number;
  /** Bytes on their way. Default 16 MiB. */
  readonly windowBytes?: number;
  /** How long one acknowledgement may take, ms. Default 10,000; 4,000 in a cluster, where a leader may be lost silently. */
  readonly timeoutMs?: number;
  /** The signature of a message; `sequence`: where it will stand, known behind a fence. Default: none is signed. */
  readonly sign?: (subject: string, data: Uint8Array, sequence: number | undefined) => string | undefined;
  /**
   * Called when the stream is longer than it was left: gives where it ends if nobody of ours wrote behind `lastSequence`, and
   * the message is sent once more; undefined: the publisher fails. Needs a fence, and a window of one message: in a larger one
   * what follows a refused message may have been stored.
   */
  readonly passForeign?: (lastSequence: number) => Promise<number | undefined>;
}

/**
 * Sends many messages without waiting for each to be stored. After the first failure it takes nothing more: what was
 * on its way behind the failed message is unknown, so its owner inspects the stream and opens another publisher.
 */
export interface Publisher {
  /** Waits for space in the window, then sends. `stored` gives the message's sequence; nobody needs to await it. */
  send(subject: string, data: Uint8Array): Promise<Sent>;
  /** Waits until all that was sent is stored. Throws the first failure. */
  flush(): Promise<void>;
  /** Messages sent and not yet stored. */
  pending(): number;
  /** Where the stream ends once all that was sent is stored; undefined without a fence. */
  lastSequence(): number | undefined;
  /** Others wrote behind what was sent: continues behind them, unless something is on its way. */
  skip(from: number, to: number): void;
  /** The failure that ended this publisher. */
  failure(): MillraceError | undefined;
  /** Frees the listener; what is on its way is forgotten. */
  close(): void;
}

export interface Sent {
  readonly stored: Promise<number>;
}

/** How often one message is sent again because others wrote before it. */
const maxPasses = 1000;

const defaults = { windowMessages: 64, windowBytes: 16 * 1024 * 1024, timeoutMs: 10_000 };
const clusterTimeoutMs = 4_000;

export function openPublisher(bus: Bus, options: PublisherOptions): Publisher {
  return new PipelinedPublisher(bus, options);
}

class PipelinedPublisher implements Publisher {
  readonly #options: PublisherOptions & typeof defaults;
  readonly #js;
  readonly #stopListening: () => void;
  /** Called whenever space may have been freed, or the publisher failed. */
  #waiting: (() => void)[] = [];
  #messages = 0;
  #bytes = 0;
  #last: number | undefined;
  #failure: MillraceError | undefined;

  constructor(bus: Bus, options: PublisherOptions) {
    this.#options = { ...defaults, ...(bus.isClustered() ? { timeoutMs: clusterTimeoutMs } : {}), ...options };
    this.#js = jetStreamOf(bus, this.#options.timeoutMs);
    this.#last = options.lastSequence;
    this.#stopListening = bus.onChange((connected) => {
      if (!connected) this.#fail(bus.trouble() ?? lost(options.stream));
    });
    if (!bus.isConnected()) this.#fail(bus.trouble() ?? lost(options.stream));
  }

  async send(subject: string, data: Uint8Array): Promise<Sent> {
    while (this.#failure === undefined && !this.#hasSpace(data.length)) await this.#change();
    if (this.#failure !== undefined) throw this.#failure;
    // From here to the publish nothing may wait: the order of sequences is the order of sending.
    const behind = this.#last;
    if (this.#last !== undefined) this.#last += 1;
    this.#messages += 1;
    this.#bytes += data.length;
    const stored = this.#publish(subject, data, behind);
    stored.catch(() => {});
    return { stored };
  }

  async flush(): Promise<void> {
    while (this.#failure === undefined && this.#messages > 0) await this.#change();
    if (this.#failure !== undefined) throw this.#failure;
  }

  pending(): number {
    return this.#messages;
  }

  lastSequence(): number | undefined {
    return this.#last;
  }

  skip(from: number, to: number): void {
    if (this.#messages === 0 && this.#last === from) this.#last = to;
  }

  failure(): MillraceError | undefined {
    return this.#failure;
  }

  close(): void {
    this.#stopListening();
    this.#failure ??= new MillraceError(codes.BUS_UNAVAILABLE, `the publisher to ${this.#options.stream} is closed`);
    this.#wake();
  }

  async #publish(subject: string, data: Uint8Array, behind: number | undefined): Promise<number> {
    try {
      return await this.#store(subject, data, behind);
    } catch (error) {
      this.#fail(busError(error, `writing to ${this.#options.stream}`));
      throw this.#failure;
    } finally {
      this.#messages -= 1;
      this.#bytes -= data.length;
      this.#wake();
    }
  }

  async #store(subject: string, data: Uint8Array, behind: number | undefined): Promise<number> {
    let last = behind;
    for (let passes = 0; ; passes += 1) {
      const signature = this.#options.sign?.(subject, data, last === undefined ? undefined : last + 1);
      const headers = signatureHeaders(signature);
      try {
        const { seq } = await this.#js.publish(subject, data, {
          ...(last === undefined ? {} : { expect: { lastSequence: last } }),
          ...(headers === undefined ? {} : { headers }),
        });
        return seq;
      } catch (error) {
        const end = passes < maxPasses && last !== undefined ? await this.#endBehindForeign(error, last) : undefined;
        if (end === undefined) throw error;
        last = end;
        this.#last = end + 1;
      }
    }
  }

  async #endBehindForeign(error: unknown, last: number): Promise<number | undefined> {
    const { passForeign, windowMessages } = this.#options;
    const isLonger = apiCodeOf(error) === apiCodes.wrongLastSequence;
    return isLonger && windowMessages === 1 ? passForeign?.(last) : undefined;
  }

  #hasSpace(size: number): boolean {
    const { windowMessages, windowBytes } = this.#options;
    return this.#messages === 0 || (this.#messages < windowMessages && this.#bytes + size <= windowBytes);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #fail(error: MillraceError): void {
    this.#failure ??= error;
    this.#wake();
  }
}

function lost(stream: string): MillraceError {
  return new MillraceError(codes.BUS_UNAVAILABLE, `the connection to the bus was lost while writing to ${stream}`);
}
