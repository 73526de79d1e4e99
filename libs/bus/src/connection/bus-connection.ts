import { codes, MillraceError } from '@millrace/errors';
import { type Bus, connectBus } from './connect.ts';

export interface BusConnectionOptions {
  /** Shown in the server's connection list. */
  readonly name: string;
  /** Where the bus is now; undefined while that is not known. Called at every attempt: an embedded server may move. */
  readonly url: () => string | undefined;
  /**
   * What `get` does while the connection is lost and reconnects. `throw`: for a writer, whose pass must fail and be
   * tried again. `return`: for a reader, whose subscriptions go on when the connection is back.
   */
  readonly whileLost: 'throw' | 'return';
  /** As in `BusOptions`. */
  readonly inboxPrefix?: string;
  /** Default: `connectBus`. */
  readonly connect?: typeof connectBus;
}

/**
 * The one connection to the bus of a running service, made when it is needed. It reconnects when it is lost, and is
 * replaced when it was closed for good or the bus is at another URL now.
 */
export class BusConnection {
  readonly #options: BusConnectionOptions;
  #bus: Bus | undefined;
  #url: string | undefined;
  #connecting: Promise<Bus> | undefined;
  #isClosed = false;

  constructor(options: BusConnectionOptions) {
    this.#options = options;
  }

  /** The connection. Throws BUS_UNAVAILABLE or BUS_REFUSED while there is none, and when `signal` aborts meanwhile. */
  async get(signal?: AbortSignal): Promise<Bus> {
    const bus = this.#bus;
    if (bus?.isConnected()) return bus;
    const url = this.#options.url();
    const returns = bus !== undefined && !bus.connection.isClosed() && (url === undefined || url === this.#url);
    if (bus !== undefined && returns) {
      if (this.#options.whileLost === 'return') return bus;
      if (url !== undefined) throw bus.trouble() ?? lost();
    }
    if (url === undefined) throw unknownUrl();
    this.#connecting ??= this.#connect(url).finally(() => {
      this.#connecting = undefined;
    });
    return signal === undefined ? this.#connecting : unlessAborted(this.#connecting, signal);
  }

  /** The connection if there is one, lost or not. */
  get current(): Bus | undefined {
    return this.#bus;
  }

  /** Closes it for good. Does not wait for a server that does not answer: a connection that comes too late is closed then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const bus = this.#bus;
    this.#bus = undefined;
    await bus?.close();
  }

  async #connect(url: string): Promise<Bus> {
    if (this.#isClosed) throw lost();
    const former = this.#bus;
    this.#bus = undefined;
    await former?.close();
    const { connect = connectBus, name, inboxPrefix } = this.#options;
    const bus = await connect(url, { name, ...(inboxPrefix === undefined ? {} : { inboxPrefix }) });
    if (this.#isClosed) {
      await bus.close();
      throw lost();
    }
    this.#bus = bus;
    this.#url = url;
    return bus;
  }
}

async function unlessAborted(connecting: Promise<Bus>, signal: AbortSignal): Promise<Bus> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(lost());
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([connecting, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // After an abort nobody waits for it any more.
    connecting.catch(() => {});
  }
}

function lost(): MillraceError {
  return new MillraceError(codes.BUS_UNAVAILABLE, 'the connection to the bus is lost');
}

function unknownUrl(): MillraceError {
  return new MillraceError(codes.BUS_UNAVAILABLE, 'no bus URL configured yet; waiting for the provider to publish it', {
    advice: 'start `millrace up` or configure bus.url',
  });
}
