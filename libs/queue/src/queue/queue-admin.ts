import { deadQueueOf } from '../batch/set-aside.ts';
import { type Queryable, queryRows, queryValue } from '../database.ts';
import * as sql from '../sql.ts';

/** When ticks are made and how long events are kept. What is left out stays unchanged. */
export interface QueueSettings {
  /** A tick after so many new events. PgQ's default 500. */
  readonly tickAfterEvents?: number;
  /** A tick when there are new events and the last one is so old, milliseconds. PgQ's default 3,000. */
  readonly tickAfterMs?: number;
  /** The longest time without a tick while nothing happens, milliseconds. PgQ's default 60,000. */
  readonly idleTickMs?: number;
  /** How often an event table is emptied, when no consumer needs it, milliseconds. PgQ's default two hours. */
  readonly rotationMs?: number;
}

/** Holds the position of a queue of dead letters, so that rotation keeps them. */
export const letterConsumer = 'dead-letters';

const interval = (ms: number | undefined) => (ms === undefined ? undefined : `${ms} milliseconds`);

export async function createQueue(client: Queryable, queue: string, settings: QueueSettings): Promise<void> {
  const doing = `making queue ${queue}`;
  const dead = deadQueueOf(queue);
  await queryRows(client, doing, sql.createQueue, [queue]);
  await queryRows(client, doing, sql.createQueue, [dead]);
  await queryRows(client, doing, sql.register, [dead, letterConsumer]);
  const parameters = {
    ticker_max_count: settings.tickAfterEvents?.toString(),
    ticker_max_lag: interval(settings.tickAfterMs),
    ticker_idle_period: interval(settings.idleTickMs),
    rotation_period: interval(settings.rotationMs),
  };
  for (const [parameter, value] of Object.entries(parameters)) {
    if (value !== undefined) await queryRows(client, doing, sql.setQueueConfig, [queue, parameter, value]);
  }
}

export async function dropQueue(client: Queryable, queue: string, force: boolean): Promise<boolean> {
  const there = async (name: string) =>
    (await queryValue(client, `dropping queue ${name}`, sql.queueExists, [name])) !== null;
  const was = await there(queue);
  if (was) await queryRows(client, `dropping queue ${queue}`, sql.dropQueue, [queue, force]);
  const dead = deadQueueOf(queue);
  if (await there(dead)) await queryRows(client, `dropping queue ${dead}`, sql.dropQueue, [dead, true]);
  return was;
}
