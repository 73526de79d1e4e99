// Ticks the queues of a database that are due by their own rule. Which these are is queried each time, so that a new queue
// is served at the next pass, and one that is gone, paused or ticked from elsewhere is left alone.
import { RunLoop } from '@millrace/lifecycle';
import type { PgClient } from '@millrace/postgres';
import { type QueueDuty, type QueueTick, queueDuty, tickQueues } from '@millrace/provider';
import { gauge, logger } from '@millrace/telemetry';
import { prepared } from '../session.ts';
import type { Counts } from './queue-counts.ts';

export interface QueueLoopOptions {
  readonly client: PgClient;
  readonly database: string;
  /** The database to people: `database jobs`. */
  readonly label: string;
  readonly pauseMs: number;
  readonly counts: Counts;
  /** Called after a failure; it may require a new session. */
  readonly onFailed: (error: unknown) => void;
}

const problems = gauge('millrace_queue_problems', 'Queues without tables that could not be ticked at the last pass');

/** How long it is taken as known that a database has queues, and what of PgQ it has. */
const dutyMs = 5_000;
/** Minimal pause between two passes over a database without such queues, which must not notice them. */
const nothingMs = 2_000;

/** The loop that ticks. */
export function queueLoop(options: QueueLoopOptions): RunLoop {
  const { client, database, label, pauseMs, counts, onFailed } = options;
  const known = new Map<string, string>();
  const session = prepared(client);
  let duty: QueueDuty | undefined;
  let knownUntil = 0;
  return new RunLoop({
    name: `queues of ${label}`,
    runOnce: async () => {
      if (duty === undefined || !duty.any || performance.now() >= knownUntil) {
        duty = await queueDuty(session, label);
        knownUntil = performance.now() + dutyMs;
        counts.serves(duty.any);
      }
      if (!duty.any) return Math.max(pauseMs, nothingMs);
      const done = await tickQueues(session, duty);
      counts.ticked(done.filter(({ tick }) => tick !== null).length);
      reportProblems(database, done, known);
      return pauseMs;
    },
    onFailed,
  });
}

/** Logs once that a queue cannot be ticked, and once that it can again. Such a queue is due at every pass, until it is gone. */
function reportProblems(database: string, done: readonly QueueTick[], known: Map<string, string>): void {
  const log = logger('queues');
  for (const queue of known.keys()) if (!done.some((one) => one.queue === queue)) known.delete(queue);
  for (const { queue, error } of done) {
    const before = known.get(queue);
    if (error === undefined) {
      if (before !== undefined) log.info({ database }, `queue ${queue} ticks again`);
      known.delete(queue);
    } else {
      if (before !== error.sentence) log.error({ database, code: error.code }, error.sentence);
      known.set(queue, error.sentence);
    }
  }
  problems.set(known.size, { database });
}
