import { RunLoop } from '@millrace/lifecycle';
import { moveRetries, runMaintenance } from '@millrace/provider';
import { createLogger } from '@millrace/telemetry';
import { Side } from '../sides/side.ts';
import type { ClassicLog } from './log.ts';

export interface PlainQueuesOptions {
  readonly providerUrl: string;
  /** Between two looks at every queue, ms. */
  readonly tickMs: number;
  /** Between two rounds of maintenance, ms. */
  readonly maintenanceMs: number;
  readonly log: ClassicLog;
}

/**
 * Ticks the queues that carry no tables but an application's own events, by each queue's own rule, and maintains them on a second
 * session: rotation and retries. Maintenance is for all queues of the database; done twice it does no harm.
 */
export class PlainQueues {
  readonly #ticks: SideLoop;
  readonly #maintenance: SideLoop;
  #queues: readonly string[] = [];

  constructor(options: PlainQueuesOptions) {
    this.#ticks = new SideLoop(options, {
      name: 'ticks',
      everyMs: options.tickMs,
      work: async (side) => {
        for (const queue of this.#queues) await side.run('classic/tick_queue', [queue]);
      },
    });
    this.#maintenance = new SideLoop(options, { name: 'maintenance', everyMs: options.maintenanceMs, work: maintain });
  }

  /** From now on these; none: both sessions are closed. */
  async serve(queues: readonly string[]): Promise<void> {
    this.#queues = queues;
    const parts = [this.#ticks, this.#maintenance];
    await Promise.all(parts.map((part) => (queues.length === 0 ? part.stop() : part.start())));
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
