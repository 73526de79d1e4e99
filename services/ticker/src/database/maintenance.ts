// Keeps the queues of a database short: moves retried events, runs the list of maintenance that the database returns (rotation),
// reads the state of queues and consumers for metrics, and reports what was done. On a session of its own, so that a TRUNCATE never delays a tick.
import { toMillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint, RunLoop } from '@millrace/lifecycle';
import { disconnect, KeptSession, type PgClient } from '@millrace/postgres';
import {
  listConsumers,
  listQueues,
  type MaintenanceOutcome,
  moveRetries,
  needPgq,
  RateMeter,
  runMaintenance,
} from '@millrace/provider';
import { histogram, logger } from '@millrace/telemetry';
import type { DatabaseTickerOptions } from '../config.ts';
import { openSession } from '../session.ts';
import type { Counts } from './queue-counts.ts';
import { forgetFigures, noteFigures } from './queue-figures.ts';

export interface MaintenanceOptions extends Omit<DatabaseTickerOptions, 'queuesMs' | 'standbyMs'> {
  /** The database to people: `database jobs`. */
  readonly label: string;
  readonly counts: Counts;
}

/** A pass over hundreds of queues takes its time. Locks are waited for much shorter. */
const longStatementMs = 300_000;
/** Between two vacuums of the small tables, where the list has them (autovacuum is off). */
const vacuumMs = 120_000;
/** How long a pass may go on after `stop`; nothing is lost when it is aborted. */
const lastPassMs = 2_000;

const [beforeMaintenance, afterMaintenance] = defineFailpoints('ticker.before-maintenance', 'ticker.after-maintenance');

const seconds = histogram('millrace_maintenance_seconds', 'Time of one pass of maintenance');

/** The loop; each pass does what is due by now. */
export function maintenanceLoop(options: MaintenanceOptions): RunLoop {
  const work = new QueueMaintenance(options);
  return new RunLoop({
    name: `maintenance of ${options.label}`,
    runOnce: (signal) => work.pass(signal),
    lastPass: { graceMs: lastPassMs, abort: () => work.close() },
    onFailed: () => work.close(),
    onStopped: () => work.end(),
  });
}

/** One kind of work and when it is due. */
interface Task {
  readonly everyMs: number;
  nextAt: number;
  readonly run: (client: PgClient) => Promise<void>;
}

/** The work on one database, on a session that is opened when needed. */
export class QueueMaintenance {
  readonly #options: MaintenanceOptions;
  readonly #tasks: readonly Task[];
  readonly #rates = new RateMeter();
  readonly #session = new KeptSession((onLost) => this.#open(onLost));
  #vacuumedAt: number | undefined;

  constructor(options: MaintenanceOptions) {
    const { retryMs, maintenanceMs, statisticsMs, figuresMs, counts } = options;
    this.#options = options;
    const task = (everyMs: number, run: Task['run'], nextAt = 0): Task => ({ everyMs, nextAt, run });
    const reporting = task(statisticsMs, async () => counts.report(), performance.now() + statisticsMs);
    this.#tasks = [
      task(retryMs, (client) => this.#retry(client)),
      task(maintenanceMs, (client) => this.#maintain(client)),
      task(figuresMs, (client) => this.#observe(client)),
      ...(statisticsMs === 0 ? [] : [reporting]),
    ];
  }

  /** Does what is due; gives the pause until the next is, milliseconds. */
  async pass(signal?: AbortSignal): Promise<number> {
    const client = await this.#session.get();
    for (const task of this.#tasks) {
      if (signal?.aborted === true) return 0;
      if (performance.now() < task.nextAt) continue;
      await task.run(client);
      task.nextAt = performance.now() + task.everyMs;
    }
    return Math.max(0, Math.min(...this.#tasks.map(({ nextAt }) => nextAt)) - performance.now());
  }

  /** Ends the session; the next pass opens another. Never throws. */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** The last close: another process may serve the database now. */
  end(): Promise<void> {
    forgetFigures(this.#options.database);
    return this.close();
  }

  // An event that cannot be put back keeps neither rotation nor the figures.
  async #retry(client: PgClient): Promise<void> {
    const { database, counts } = this.#options;
    try {
      counts.retried(await moveRetries(client));
    } catch (error) {
      const { code, sentence } = toMillraceError(error);
      logger('maintenance').error({ database, code }, sentence);
    }
  }

  async #maintain(client: PgClient): Promise<void> {
    const clock = performance.now();
    const vacuum = this.#vacuumedAt === undefined || clock - this.#vacuumedAt >= vacuumMs;
    if (vacuum) this.#vacuumedAt = clock;
    await failpoint(beforeMaintenance);
    const outcomes = await runMaintenance(client, { vacuum });
    for (const outcome of outcomes) this.#logFailure(outcome);
    this.#options.counts.maintained(outcomes.filter(({ result }) => result === 'done').length);
    await failpoint(afterMaintenance);
    seconds.record((performance.now() - clock) / 1_000);
  }

  async #observe(client: PgClient): Promise<void> {
    const state = await needPgq(client, this.#options.label);
    const queues = await listQueues(client, null, state);
    const consumers = await listConsumers(client);
    const rates = this.#rates.add(queues, consumers, performance.now());
    noteFigures(this.#options.database, { queues, consumers, rates });
  }

  // One step that fails keeps neither the others nor the loop; it is due again at the next pass.
  #logFailure({ operation, argument, result, error }: MaintenanceOutcome): void {
    if (result !== 'failed') return;
    const fields = { database: this.#options.database, operation, argument, code: error?.code };
    logger('maintenance').error(fields, error?.sentence ?? 'a step of maintenance failed');
  }

  async #open(onLost: (error: unknown) => void): Promise<PgClient> {
    const client = await openSession(this.#options.url, {
      applicationName: 'millrace ticker maintenance',
      silenceMs: 0,
      statementMs: longStatementMs,
      onLost,
    });
    try {
      await needPgq(client, this.#options.label);
      return client;
    } catch (error) {
      await disconnect(client);
      throw error;
    }
  }
}
