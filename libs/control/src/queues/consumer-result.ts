import { codes, MillraceError } from '@millrace/errors';
import { type ConsumerRecord, listConsumers } from '@millrace/provider';
import type { QueueSide } from './at-queues.ts';

/** The consumer; undefined when the queue has none of that name. */
export async function findConsumer(
  { side }: QueueSide,
  queue: string,
  name: string,
): Promise<ConsumerRecord | undefined> {
  return (await side.asked(() => listConsumers(side.client, queue))).find((one) => one.name === name);
}

/** The same. Throws NOT_FOUND. */
export async function needConsumer(at: QueueSide, queue: string, name: string): Promise<ConsumerRecord> {
  const found = await findConsumer(at, queue, name);
  if (found !== undefined) return found;
  throw new MillraceError(codes.NOT_FOUND, `queue ${queue} has no consumer ${JSON.stringify(name)}`, {
    advice: 'see `millrace consumer list`',
  });
}
