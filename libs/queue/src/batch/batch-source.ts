// Whole batches: opened, kept and finished by a consumer, or by one of several that share its stream.
import { type Queryable, queryRows, queryValue } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import * as sql from '../sql.ts';

export interface BatchInfo {
  readonly id: bigint;
  /** The batch holds what became visible after this tick … */
  readonly prevTick: bigint;
  /** … up to this one. */
  readonly tick: bigint;
  /** When this one was made. */
  readonly tickTime: Date;
}

/** Which batches to wait for; milliseconds and events. Nothing given: up to the next tick. */
export interface Collect {
  /** Only ticks that are at least this old. */
  readonly minLagMs?: number;
  /** Several ticks together, until there are this many events … */
  readonly minCount?: number;
  /** … or they span this long. */
  readonly minIntervalMs?: number;
}

/** Who reads. */
export interface Reader {
  readonly queue: string;
  readonly consumer: string;
  readonly subconsumer: string | undefined;
  /** Silence after which another subconsumer's batch is taken over, milliseconds. */
  readonly takeOverAfterMs: number | undefined;
  readonly collect: Collect;
}

/** Opens the next batch or gives the open one again; undefined when there is none. */
export async function nextBatch(client: Queryable, reader: Reader): Promise<BatchInfo | undefined> {
  const { queue, consumer, subconsumer, takeOverAfterMs, collect } = reader;
  const thresholds = [collect.minLagMs ?? null, collect.minCount ?? null, collect.minIntervalMs ?? null];
  const doing = `opening a batch of queue ${queue}`;
  if (subconsumer === undefined)
    return info(await queryRows(client, doing, sql.nextBatch, [queue, consumer, ...thresholds]));
  const values = [queue, consumer, subconsumer, ...thresholds, takeOverAfterMs ?? null];
  const id = await queryValue(client, doing, sql.nextSubBatch, values);
  return id === null ? undefined : info(await queryRows(client, doing, sql.batchInfo, [id]));
}

function info([row]: (string | null)[][]): BatchInfo | undefined {
  const [id, prevTick, tick, seconds] = row ?? [];
  // Without ticks it was taken over between the two queries.
  if (id == null || prevTick == null || tick == null) return undefined;
  return {
    id: BigInt(id),
    prevTick: BigInt(prevTick),
    tick: BigInt(tick),
    tickTime: new Date(Math.floor(Number(seconds) * 1_000)),
  };
}

/** Throws BATCH_LOST when it is not open any more: the caller then rolls back what it did with it. */
export async function finishBatch(client: Queryable, { queue, subconsumer }: Reader, batch: BatchInfo): Promise<void> {
  const text = subconsumer === undefined ? sql.finishBatch : sql.finishSubBatch;
  const done = await queryValue(client, `finishing a batch of queue ${queue}`, text, [batch.id]);
  if (done === '1') return;
  throw new QueueError(queueCodes.BATCH_LOST, `batch ${batch.id} of queue ${queue} is not open any more`, {
    advice: 'another process has finished it or taken it over, or the position was moved',
  });
}
