// Publishes each tick on the bus, so that capture need not wait for its next poll. Best effort in every way: nothing here
// may delay a tick or make the ticker unready.
import { BusConnection, type connectBus, sendNotice } from '@millrace/bus';
import { RunLoop, type Service } from '@millrace/lifecycle';
import {
  inboxPrefix,
  type Keyring,
  type Pulse,
  pulseSubject,
  signJson,
  type TickNotice,
  tickSubject,
} from '@millrace/wire';

export interface NoticesOptions {
  readonly queue: string;
  readonly keyring: Keyring;
  readonly busUrl: () => string | undefined;
  /** Opens a connection; default: to the bus. */
  readonly connect?: typeof connectBus;
}

const checkMs = 2_000;

export class Notices {
  /** Keeps a connection to wherever the bus is; start and stop it with the ticker. */
  readonly loop: Service;
  readonly #options: NoticesOptions;
  readonly #subject: string;
  readonly #pulseSubject: string;
  #connection: BusConnection;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#connection = this.#newConnection();
    this.#subject = tickSubject(options.queue);
    this.#pulseSubject = pulseSubject(options.queue);
    this.loop = new RunLoop({
      name: 'tick notices',
      runOnce: (signal) => this.#connect(signal),
      idleMs: checkMs,
      backoff: { minMs: 500, maxMs: 5_000 },
      onStopped: () => this.#close(),
    });
  }

  /** Sends the notice when the bus is there, else drops it. Never waits, never throws. */
  send({ tick }: { tick: number }): void {
    this.#send(this.#subject, { tick });
  }

  /** Sends a pulse, likewise: the ticks up to `tick` hold all that was committed `ageMs` ago. */
  pulse(tick: number, ageMs: number): void {
    this.#send(this.#pulseSubject, { tick, age_ms: ageMs });
  }

  #send(subject: string, notice: TickNotice | Pulse): void {
    const bus = this.#connection.current;
    if (bus === undefined) return;
    try {
      const text = JSON.stringify(notice);
      sendNotice(bus, subject, text, signJson(this.#options.keyring, { author: 'provider', subject, text }));
    } catch {
      // A hint that is lost costs a few milliseconds of lag.
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    // Without a URL there is nothing to try: the ticker works without a bus.
    if (this.#options.busUrl() !== undefined) await this.#connection.get(signal);
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = this.#newConnection();
    await connection.close();
  }

  // Notices may be sent as long as the connection is lost: they are dropped until it returns.
  #newConnection(): BusConnection {
    const { queue, busUrl: url, connect } = this.#options;
    return new BusConnection({
      name: 'millrace ticker',
      url,
      whileLost: 'return',
      inboxPrefix: inboxPrefix(queue, 'ticker'),
      ...(connect && { connect }),
    });
  }
}
