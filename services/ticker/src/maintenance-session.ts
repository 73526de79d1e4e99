// The second session of the leader, for everything that may take its time.
import type { Verdict } from '@millrace/errors';
import type { PgClient } from '@millrace/postgres';
import { refreshTriggers, reportTicker, runDueMaintenance } from './provider-calls.ts';
import type { Maintenance, TriggerFinding } from './rotation-loop.ts';
import { closeSession, openSession } from './session.ts';

export type MaintenanceSessionOptions = {
  queue: string;
  providerUrl: string;
  /** What the tick loop suffers from at this moment. */
  fault: () => Verdict | undefined;
};

/** How often an unchanged report is written again, so that admin can tell a live ticker from a dead one. */
const HEARTBEAT_MS = 10_000;

/** Maintenance at the provider on a session that is opened when needed. */
export class MaintenanceSession implements Maintenance {
  readonly #options: MaintenanceSessionOptions;
  #client: PgClient | undefined;
  #reported: { fault: string | undefined; at: number } | undefined;

  constructor(options: MaintenanceSessionOptions) {
    this.#options = options;
  }

  async runDue(): Promise<number> {
    return runDueMaintenance(await this.#session());
  }

  async refreshTriggers(): Promise<TriggerFinding[]> {
    return refreshTriggers(await this.#session(), this.#options.queue);
  }

  async report(): Promise<void> {
    const client = await this.#session();
    const fault = this.#options.fault();
    const now = performance.now();
    const before = this.#reported;
    if (before !== undefined && before.fault === fault?.sentence && now - before.at < HEARTBEAT_MS) return;
    await reportTicker(client, this.#options.queue, fault);
    this.#reported = { fault: fault?.sentence, at: now };
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await closeSession(client);
  }

  async #session(): Promise<PgClient> {
    this.#client ??= await openSession(this.#options.providerUrl, {
      applicationName: 'millrace ticker maintenance',
      silenceMs: 0,
      onLost: () => (this.#client = undefined),
    });
    return this.#client;
  }
}
