// The second session of the leader, for everything that may take its time.

import { hostname } from 'node:os';
import type { Verdict } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import {
  type MaintenanceOutcome,
  moveRetries,
  refreshTriggers,
  reportService,
  runMaintenance,
} from '@millrace/provider';
import { logger } from '@millrace/telemetry';
import type { Maintenance, TriggerFinding } from './rotation-loop.ts';
import { closeSession, openSession } from './session.ts';

export type MaintenanceSessionOptions = {
  queue: string;
  providerUrl: string;
  /** What the tick loop suffers from at this moment. */
  fault: () => Verdict | undefined;
};

/** A look after the triggers of ten thousand tables takes its time. Locks are waited for much shorter. */
const STATEMENT_MS = 300_000;
/** Between two vacuums of the small tables, where the list asks for them (autovacuum is off). */
const VACUUM_MS = 120_000;
/** How often an unchanged report is written again, so that admin can tell a live ticker from a dead one. */
const HEARTBEAT_MS = 10_000;

/** Maintenance at the provider on a session that is opened when needed. */
export class MaintenanceSession implements Maintenance {
  readonly #options: MaintenanceSessionOptions;
  #client: PgClient | undefined;
  #vacuumedAt: number | undefined;
  #reported: { fault: string | undefined; at: number } | undefined;

  constructor(options: MaintenanceSessionOptions) {
    this.#options = options;
  }

  async runDue(): Promise<number> {
    const client = await this.#session();
    const now = performance.now();
    const vacuum = this.#vacuumedAt === undefined || now - this.#vacuumedAt >= VACUUM_MS;
    if (vacuum) this.#vacuumedAt = now;
    const outcomes = await runMaintenance(client, { vacuum });
    outcomes.forEach(tellFailure);
    const moved = await moveRetries(client);
    return outcomes.filter(({ result }) => result === 'done').length + Math.min(moved, 1);
  }

  async refreshTriggers(): Promise<TriggerFinding[]> {
    const findings = await refreshTriggers(await this.#session(), this.#options.queue);
    return findings.map((finding) => ({
      table: tableLabel(finding),
      action: finding.action ?? 'none',
      problem: finding.problem ?? undefined,
    }));
  }

  async report(): Promise<void> {
    const client = await this.#session();
    const fault = this.#options.fault();
    const now = performance.now();
    const before = this.#reported;
    if (before !== undefined && before.fault === fault?.sentence && now - before.at < HEARTBEAT_MS) return;
    await reportService(client, {
      queue: this.#options.queue,
      service: 'ticker',
      instance: `${hostname()}:${process.pid}`,
      state: fault === undefined ? 'running' : 'stopped',
      error: fault === undefined ? null : { code: fault.code, message: fault.sentence },
    });
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
      statementMs: STATEMENT_MS,
      onLost: () => (this.#client = undefined),
    });
    return this.#client;
  }
}

// One step that fails keeps neither the others nor the loop; it is due again at the next pass.
function tellFailure({ operation, argument, result, error }: MaintenanceOutcome): void {
  if (result !== 'failed') return;
  logger('maintenance').error(
    { operation, argument, code: error?.code },
    error?.sentence ?? 'a step of maintenance failed',
  );
}
