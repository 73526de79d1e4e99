// What `pgqadm` and its daemon read of the queues of a database. Throws the driver's errors.
import type { Queryable } from '@millrace/postgres';
import { runQuery } from '../statements.ts';

/** A queue as text, in the server's own words; intervals like `02:00:00`. */
export interface QueueStatus {
  readonly name: string;
  readonly tables: string;
  readonly rotation: string | null;
  readonly max_count: string;
  readonly max_lag: string;
  readonly idle: string;
  readonly paused: string;
  readonly ticker_lag: string | null;
}

/** By name; null: all queues. */
export function queueStatus(client: Queryable, queue: string | null): Promise<QueueStatus[]> {
  return runQuery(client, 'queue_status', [queue]);
}

export interface ConsumerStatus {
  readonly queue: string;
  /** A subscriber by its own name. */
  readonly name: string;
  readonly is_subscriber: boolean;
  readonly lag: string | null;
  readonly last_seen: string | null;
}

/** By queue and name; null: of all queues. */
export function consumerStatus(client: Queryable, queue: string | null): Promise<ConsumerStatus[]> {
  return runQuery(client, 'consumer_status', [queue]);
}

export interface TickedQueue {
  readonly queue: string;
  /** Tells a queue from an earlier one of the same name. */
  readonly id: number;
  /** It carries tables. */
  readonly is_set: boolean;
}

/** The queues of the database, by name, without those that are ticked from elsewhere. */
export function tickedQueues(client: Queryable): Promise<TickedQueue[]> {
  return runQuery(client, 'ticked_queues');
}

/** Versions of the server and of PgQ. */
export async function readVersions(client: Queryable): Promise<{ server: string; pgq: string } | undefined> {
  return (await runQuery<{ server: string; pgq: string }>(client, 'versions'))[0];
}
