import type { Config } from '@millrace/config';
import type { DoctorFinding } from '@millrace/control/doctor';
import { withinBounds } from '@millrace/control/sides';
import type { Status, TableStatus } from '@millrace/control/status';
import { gather, statusOf } from '@millrace/control/status';
import { gauge } from '@millrace/telemetry';
import { SharedResult } from './shared-result.ts';

/** Answers of the last second serve everybody: a page open in many windows must not load three databases. */
const freshMs = 1_000;
/** For so long after a request the status is refreshed without one, so that the lag of the last minutes has no holes. */
const interestMs = 10 * 60_000;
const ownPaceMs = 5_000;
/** A database that does not answer within this time is shown as one that cannot be reached. */
export const maxGatherMs = 15_000;

const lag = gauge('millrace_admin_lag_ms', 'Age of the oldest change a subscriber lacks, when admin last read it');
const running = gauge('millrace_admin_subscriber_running', '1 when the subscriber replicates, when admin last read it');

const differing = gauge(
  'millrace_admin_differing_rows',
  'Rows that are not the same as at the provider, when the table was last compared',
);
const comparedAt = gauge('millrace_admin_compared_seconds', 'When the table was last compared, seconds since 1970');

/** The status on demand, and the same figures as metrics. `onRefresh` gets every status that was read; `warnings` reads the doctor's. */
export class StatusWatch {
  readonly #config: Config;
  readonly #onRefresh: (status: Status) => void;
  readonly #warnings: () => Promise<DoctorFinding[]>;
  readonly #status = new SharedResult(() => this.#refresh());
  #requestedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    config: Config,
    {
      onRefresh = () => {},
      warnings,
    }: { onRefresh?: (status: Status) => void; warnings: () => Promise<DoctorFinding[]> },
  ) {
    this.#config = config;
    this.#onRefresh = onRefresh;
    this.#warnings = warnings;
  }

  /** At most a second old. Never throws: what cannot be reached is part of it. */
  current(): Promise<Status> {
    this.#requestedAt = performance.now();
    return this.#recent();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #recent(): Promise<Status> {
    return this.#status.get(freshMs).then(({ value }) => value);
  }

  async #refresh(): Promise<Status> {
    const [gathered, warnings] = await Promise.all([
      withinBounds({ maxMs: maxGatherMs }, () => gather(this.#config)),
      this.#warnings(),
    ]);
    const status = statusOf(gathered, new Date(), warnings);
    for (const { name, state, lag_ms, tables } of status.subscribers) {
      if (lag_ms !== null) lag.set(lag_ms, { subscriber: name });
      running.set(state === 'running' ? 1 : 0, { subscriber: name });
      for (const table of tables) noteComparison(name, table);
    }
    this.#onRefresh(status);
    this.#scheduleNext();
    return status;
  }

  #scheduleNext(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || performance.now() - this.#requestedAt > interestMs) return;
    this.#timer = setTimeout(() => void this.#recent(), ownPaceMs);
    this.#timer.unref();
  }
}

function noteComparison(subscriber: string, { name: table, comparison }: TableStatus): void {
  if (comparison === null || comparison.state === 'not-compared') return;
  const { missing, extra, different } = comparison;
  differing.set((missing ?? 0) + (extra ?? 0) + (different ?? 0), { subscriber, table });
  comparedAt.set(Date.parse(comparison.compared_at) / 1000, { subscriber, table });
}
