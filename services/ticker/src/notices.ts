// Tells the bus of each tick, so that capture need not wait for its own look. Best effort in every way: nothing here
// may delay a tick or make the ticker unready.
import { type Bus, connectBus, sendNotice } from '@millrace/bus';
import { RunLoop, type Service } from '@millrace/lifecycle';
import { type Pulse, pulseSubject, type TickNotice, tickSubject } from '@millrace/wire';

export type NoticesOptions = {
  queue: string;
  busUrl: () => string | undefined;
  /** Opens a connection; default: to the bus. */
  connect?: typeof connectBus;
};

const LOOK_MS = 2_000;

export class Notices {
  /** Keeps a connection to wherever the bus is; start and stop it with the ticker. */
  readonly loop: Service;
  readonly #options: NoticesOptions;
  readonly #subject: string;
  readonly #pulseSubject: string;
  #bus: Bus | undefined;
  #url: string | undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#subject = tickSubject(options.queue);
    this.#pulseSubject = pulseSubject(options.queue);
    this.loop = new RunLoop({
      name: 'tick notices',
      runOnce: (signal) => this.#lookAfter(signal),
      idleMs: LOOK_MS,
      backoff: { minMs: 500, maxMs: 5_000 },
      onStopped: () => this.#close(),
    });
  }

  /** Sends the notice when the bus is there, else drops it. Never waits, never throws. */
  send({ tick }: { tick: number }): void {
    this.#send(this.#subject, { tick });
  }

  /** Tells, likewise, up to which tick everything is that was committed `ageMs` ago. */
  pulse(tick: number, ageMs: number): void {
    this.#send(this.#pulseSubject, { tick, age_ms: ageMs });
  }

  #send(subject: string, notice: TickNotice | Pulse): void {
    const bus = this.#bus;
    if (bus === undefined) return;
    try {
      sendNotice(bus, subject, JSON.stringify(notice));
    } catch {
      // A hint that is lost costs a few milliseconds of lag.
    }
  }

  async #lookAfter(signal: AbortSignal): Promise<void> {
    const url = this.#options.busUrl();
    if (this.#bus?.isConnected()) return;
    // A bus that is away comes back by itself, unless it is elsewhere now or was closed for good.
    if (this.#bus !== undefined && url === this.#url && !this.#bus.connection.isClosed()) return;
    await this.#close();
    if (url === undefined) return;
    this.#bus = await connectUnlessStopped(this.#options.connect ?? connectBus, url, signal);
    this.#url = url;
  }

  async #close(): Promise<void> {
    const bus = this.#bus;
    this.#bus = undefined;
    await bus?.close();
  }
}

// A stop does not wait for a bus that does not answer; a connection that comes too late is closed.
async function connectUnlessStopped(
  connect: typeof connectBus,
  url: string,
  signal: AbortSignal,
): Promise<Bus | undefined> {
  const connecting = connect(url, { name: 'millrace ticker' });
  const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const bus = await Promise.race([connecting, stopped]);
    if (bus === undefined) connecting.then((late) => late.close()).catch(() => {});
    return bus;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
