import { counter, logger } from '@millrace/telemetry';

const ticks = counter('millrace_queue_ticks', 'Ticks made in queues that carry no tables');
const steps = counter('millrace_maintenance_steps', 'Steps of maintenance run: rotations and what else was due');
const retries = counter('millrace_queue_retries', 'Events put back into their queues');

/** What a leader did in one database since its last report. */
export class Counts {
  readonly #database: string;
  #ticks = 0;
  #maint = 0;
  #retry = 0;
  #serves = true;

  constructor(database: string) {
    this.#database = database;
  }

  /** Whether the database has queues that carry no tables; where it has none, a period in which nothing was done is not reported. */
  serves(any: boolean): void {
    this.#serves = any;
  }

  ticked(n: number): void {
    this.#ticks += n;
    ticks.add(n, { database: this.#database });
  }

  maintained(n: number): void {
    this.#maint += n;
    steps.add(n, { database: this.#database });
  }

  retried(n: number): void {
    this.#retry += n;
    retries.add(n, { database: this.#database });
  }

  /** Logs the counts, in pgqd's format, and starts again from 0. */
  report(): void {
    if (!this.#serves && this.#ticks + this.#maint + this.#retry === 0) return;
    const line = `{ticks: ${this.#ticks}, maint: ${this.#maint}, retry: ${this.#retry}}`;
    logger('queues').info({ database: this.#database }, line);
    this.#ticks = 0;
    this.#maint = 0;
    this.#retry = 0;
  }
}
