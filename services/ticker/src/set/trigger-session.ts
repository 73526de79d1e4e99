// The second session of a set's leader, for what may take its time.

import { hostname } from 'node:os';
import type { Verdict } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import { KeptSession } from '@millrace/postgres';
import { refreshTriggers, reportService } from '@millrace/provider';
import { openSession } from '../session.ts';
import type { TriggerDatabase, TriggerFinding } from './trigger-loop.ts';

export interface TriggerSessionOptions {
  readonly queue: string;
  readonly providerUrl: string;
  /** The present fault of the tick loop. */
  readonly fault: () => Verdict | undefined;
}

/** A refresh of the triggers of ten thousand tables takes its time. Locks are waited for much shorter. */
const longStatementMs = 300_000;
/** How often an unchanged report is written again, so that admin can distinguish a live ticker from a dead one. */
const heartbeatMs = 10_000;

/** Maintains triggers, and reports, on a session that is opened when needed. */
export class TriggerSession implements TriggerDatabase {
  readonly #options: TriggerSessionOptions;
  readonly #session: KeptSession;
  #reported: { fault: string | undefined; at: number } | undefined;

  constructor(options: TriggerSessionOptions) {
    this.#options = options;
    this.#session = new KeptSession((onLost) =>
      openSession(options.providerUrl, {
        applicationName: 'millrace ticker triggers',
        silenceMs: 0,
        statementMs: longStatementMs,
        onLost,
      }),
    );
  }

  async refreshTriggers(): Promise<TriggerFinding[]> {
    const findings = await refreshTriggers(await this.#session.get(), this.#options.queue);
    return findings.map((finding) => ({
      table: tableLabel(finding),
      action: finding.action ?? 'none',
      problem: finding.problem ?? undefined,
    }));
  }

  async report(): Promise<void> {
    const client = await this.#session.get();
    const fault = this.#options.fault();
    const now = performance.now();
    const before = this.#reported;
    if (before !== undefined && before.fault === fault?.sentence && now - before.at < heartbeatMs) return;
    await reportService(client, {
      queue: this.#options.queue,
      service: 'ticker',
      instance: `${hostname()}:${process.pid}`,
      state: fault === undefined ? 'running' : 'stopped',
      error: fault === undefined ? null : { code: fault.code, message: fault.sentence },
    });
    this.#reported = { fault: fault?.sentence, at: now };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
