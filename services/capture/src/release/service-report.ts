// What a leading capture reports of itself at the provider.
import { hostname } from 'node:os';
import type { Verdict } from '@millrace/errors';
import type { PgClient } from '@millrace/postgres';
import { reportService } from '@millrace/provider';

/** An unchanged state is reported again after this time, ms. */
const repeatMs = 2900;

export interface ServiceState {
  /** Nothing or not everything works. */
  readonly fault: Verdict | undefined;
  /** An operator should know it although capture works. */
  readonly warning: Verdict | undefined;
}

export class ServiceReport {
  readonly #client: PgClient;
  readonly #queue: string;
  #reported: string | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(client: PgClient, queue: string) {
    this.#client = client;
    this.#queue = queue;
  }

  /** Writes it when it has changed or the last report is old. */
  async write({ fault, warning }: ServiceState): Promise<void> {
    const verdict = fault ?? warning;
    const state = fault === undefined ? 'running' : 'stopped';
    const isOld = performance.now() - this.#reportedAt > repeatMs;
    const key = `${state} ${verdict?.sentence}`;
    if (!isOld && key === this.#reported) return;
    this.#reportedAt = performance.now();
    this.#reported = key;
    await reportService(this.#client, {
      queue: this.#queue,
      service: 'capture',
      instance: `${hostname()}:${process.pid}`,
      state,
      error: verdict === undefined ? null : { code: verdict.code, message: verdict.sentence },
    });
  }
}
