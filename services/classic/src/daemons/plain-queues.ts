import { Side } from '@millrace/control/sides';
import { RunLoop } from '@millrace/lifecycle';
import { leadQueues, moveRetries, queueDuty, runMaintenance, tickQueues } from '@millrace/provider';
import { createLogger } from '@millrace/telemetry';
import type { ClassicLog } from '../program/log.ts';

export interface PlainQueuesOptions {
  readonly providerUrl: string;
  /** Between two checks of every queue. */
  readonly tickMs: number;
  /** Between two rounds of maintenance. */
  readonly maintenanceMs: number;
  readonly log: ClassicLog;
}

/**
 * Ticks the queues that carry no tables but an application's own events, by each queue's own rule, and maintains them on a second
 * session: rotation and retries. For a database without a set: where there is one its ticker does all this.
 */
export class PlainQueues {
  readonly #parts: readonly SideLoop[];
  readonly #leaders = new WeakSet<Side>();

  constructor(options: PlainQueuesOptions) {
    const ticks = { name: 'ticks', everyMs: options.tickMs, work: (side: Side) => this.#tick(side) };
    const maintenance = { name: 'maintenance', everyMs: options.maintenanceMs, work: maintain };
    this.#parts = [ticks, maintenance].map((plan) => new SideLoop(options, plan));
  }

  /** Begins, or ends and closes both sessions. */
  async serve(wanted: boolean): Promise<void> {
    await Promise.all(this.#parts.map((part) => (wanted ? part.start() : part.stop())));
  }

  /** One ticker for a database at a time: the others keep trying to lead. */
  async #tick(side: Side): Promise<void> {
    if (!this.#leaders.has(side) && !(await side.run(() => leadQueues(side.client)))) return;
    this.#leaders.add(side);
    for (const { error } of await tickQueues(side.client, await queueDuty(side.client, side.label)))
      if (error !== undefined) throw error;
  }
}

async function maintain({ client }: Side): Promise<void> {
  for (const { result, error } of await runMaintenance(client)) if (result === 'failed') throw error;
  await moveRetries(client);
}

interface LoopPlan {
  readonly name: string;
  readonly everyMs: number;
  readonly work: (side: Side) => Promise<void>;
}

/** Work that is repeated on a session of its own, which is opened when needed. */
class SideLoop {
  readonly #loop: RunLoop;
  #side: Side | undefined;

  constructor({ providerUrl, log }: PlainQueuesOptions, { name, everyMs, work }: LoopPlan) {
    const close = async () => {
      const side = this.#side;
      this.#side = undefined;
      await side?.close();
    };
    this.#loop = new RunLoop({
      name,
      runOnce: async () => {
        this.#side ??= await Side.open(providerUrl, 'the provider');
        await work(this.#side);
      },
      idleMs: everyMs,
      log: createLogger({ service: name }, (line) => log.service(name, line)),
      onFailed: close,
      onStopped: close,
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }
}
