import type { QueueDatabase } from '@millrace/config';
import { toMillraceError } from '@millrace/errors';
import { listConsumers, listQueues } from '@millrace/provider';
import { inDatabase, type QueueSide } from './at-queues.ts';
import { type QueueDocument, queueOf } from './documents.ts';

/** The queues of a database with their consumers, at one moment; all of them, or the one. */
export async function readQueues(
  { database, side, state }: QueueSide,
  queue: string | null = null,
): Promise<QueueDocument[]> {
  const queues = await side.run(() => listQueues(side.client, queue, state));
  const consumers = await side.run(() => listConsumers(side.client, queue));
  return queues.map((one) => queueOf(database, one, consumers));
}

/** A database that did not answer. */
export interface Unread {
  readonly database: string;
  readonly code: string;
  readonly message: string;
}

const connectMs = 3_000;

/** The queues of all these databases, read concurrently; one that does not answer is listed as unreachable. */
export async function readAll(
  databases: readonly QueueDatabase[],
): Promise<{ queues: QueueDocument[]; unreachable: Unread[] }> {
  const found = await Promise.all(
    databases.map(async (database) => {
      try {
        return { queues: await inDatabase(database, (at) => readQueues(at), connectMs) };
      } catch (error) {
        const { code, sentence } = toMillraceError(error);
        return { unread: { database: database.name, code, message: sentence } };
      }
    }),
  );
  return {
    queues: found.flatMap(({ queues }) => queues ?? []),
    unreachable: found.flatMap(({ unread }) => unread ?? []),
  };
}
