// The loop that takes batches from the queue to the bus, for all subscribers: next intervals, regroup, publish; again.
import type { BusConnection } from '@millrace/bus';
import { RunLoop } from '@millrace/lifecycle';
import { KeptSession } from '@millrace/postgres';
import { openSession } from '../session/provider-session.ts';
import { claimQueue } from './claim-queue.ts';
import { openPublishSession, type PublishContext, type PublishSession } from './publish-session.ts';
import { TickNotices } from './tick-notices.ts';

/** How long a pass may go on after a stop, ms. */
const lastPassMs = 2000;
/** Until the subscribers are read for the first time, ms. */
const rosterPollMs = 20;

export class BatchPublisher {
  readonly loop: RunLoop;
  readonly #context: PublishContext;
  readonly #bus: BusConnection;
  readonly #session: KeptSession;
  readonly #notices: TickNotices;
  #open: PublishSession | undefined;

  /** Operators know this loop and its session as `capture line`. */
  constructor(context: PublishContext, bus: BusConnection) {
    const { pollMs, providerUrl } = context.options;
    this.#context = context;
    this.#bus = bus;
    this.#session = new KeptSession((onLost) =>
      openSession(providerUrl, { applicationName: 'millrace capture line', onLost }),
    );
    this.loop = new RunLoop({
      name: 'capture line',
      runOnce: (signal) => this.#runOnce(signal),
      idleMs: pollMs,
      backoff: { minMs: 50, maxMs: 3000 },
      lastPass: { graceMs: lastPassMs, abort: () => this.#abort() },
      onFailed: () => this.#reset(),
      onStopped: () => this.#stop(),
    });
    this.#notices = new TickNotices(pollMs, () => this.loop.wake());
    context.desiredState.changed.on(() => this.loop.wake());
    context.roster.changed.on(() => this.loop.wake());
  }

  /** Sends what is waiting; gives the pause until the next poll, ms. */
  async #runOnce(signal: AbortSignal): Promise<number> {
    const { roster, options } = this.#context;
    roster.requireSameHistory();
    if (roster.subscribers === undefined) return rosterPollMs;
    if (roster.subscribers.length === 0) {
      this.#close();
      return options.pollMs;
    }
    const client = await this.#session.get();
    if (this.#open === undefined) {
      const bus = await this.#bus.get();
      // Its bucket may be another installation's, or be made only now.
      await claimQueue(bus, client, options.queue);
      this.#open = await openPublishSession(this.#context, { bus, client, signal });
      this.#notices.listen(bus, options, this.#context.foreign);
    }
    return (await this.#open.publishNext(client)) ? 0 : this.#notices.pauseMs();
  }

  /** A stop does not wait for the rest of a batch that is being read, or for a bus that does not answer. */
  #abort(): void {
    this.#session.drop();
    this.#open?.close();
  }

  /** After a failure the session may be in the middle of an answer, and the stream may be another one. */
  #reset(): void {
    this.#close();
    this.#session.drop();
  }

  #close(): void {
    this.#notices.stop();
    this.#open?.close();
    this.#open = undefined;
    this.#context.progress.closed();
  }

  async #stop(): Promise<void> {
    await this.#open?.flush().catch(() => {});
    this.#close();
    await this.#session.close();
  }
}
