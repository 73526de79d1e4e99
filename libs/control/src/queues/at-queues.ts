// What the commands for queues share: which database is meant, and a session there.
import { type Config, needQueueDatabase, type QueueDatabase } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import {
  type ConsumerRecord,
  listConsumers,
  listQueues,
  lockChanges,
  needPgq,
  type PgqState,
  type QueueRecord,
} from '@millrace/provider';
import type { Arguments, AuditedAt, Context, OptionSpec } from '../command/command.ts';
import { Side } from '../sides/side.ts';

/** The option that all these commands take. */
export const databaseOption: Readonly<Record<'database', OptionSpec>> = {
  database: {
    type: 'string',
    value: 'NAME',
    help: 'one of `databases` of the configuration; default: the provider, or the only one',
  },
};

/** A session in a database that has PgQ. */
export interface QueueSide {
  readonly database: string;
  readonly side: Side;
  readonly state: PgqState;
}

/** Runs work in the database that is meant. Throws CONFIG, NOT_INSTALLED, and as Side.open. */
export async function atQueues<T>(context: Context, args: Arguments, work: (at: QueueSide) => Promise<T>): Promise<T> {
  const database = needQueueDatabase(await context.config(), args.value('database'));
  return inDatabase(database, work);
}

/** The same in a database that is known. */
export async function inDatabase<T>(
  database: QueueDatabase,
  work: (at: QueueSide) => Promise<T>,
  connectTimeoutMs?: number,
): Promise<T> {
  const label = labelOf(database);
  const side = await Side.open(database.url, label, connectTimeoutMs);
  try {
    const state = await side.run(() => needPgq(side.client, label));
    return await work({ database: database.name, side, state });
  } finally {
    await side.close();
  }
}

/** How messages name the database. */
export function labelOf({ name }: QueueDatabase): string {
  return name === 'provider' ? 'the provider' : `database ${name}`;
}

/** The audit of a command belongs to the queue that is its first word, in its database. */
export function auditedAtQueue(config: Config, args: Arguments): AuditedAt {
  const { url } = needQueueDatabase(config, args.value('database'));
  return { url, queue: args.words[0] ?? '' };
}

/** Of several commands that change one queue only one works at a time; the lock ends with the session. */
export async function lockQueue({ side }: QueueSide, queue: string): Promise<void> {
  await side.run((client) => lockChanges(client, `queue ${queue}`));
}

/** The queue. Throws NOT_FOUND. */
export async function needQueue({ side, state, database }: QueueSide, queue: string): Promise<QueueRecord> {
  const [found] = await side.run(() => listQueues(side.client, queue, state));
  if (found !== undefined) return found;
  const where = database === 'provider' ? '' : ` in database ${database}`;
  throw new MillraceError(codes.NOT_FOUND, `there is no queue ${JSON.stringify(queue)}${where}`, {
    advice: 'see `millrace queue list`',
  });
}

/** The consumer; undefined when the queue has none of that name. */
export async function findConsumer(
  { side }: QueueSide,
  queue: string,
  name: string,
): Promise<ConsumerRecord | undefined> {
  return (await side.run(() => listConsumers(side.client, queue))).find((one) => one.name === name);
}

/** The same. Throws NOT_FOUND. */
export async function needConsumer(at: QueueSide, queue: string, name: string): Promise<ConsumerRecord> {
  const found = await findConsumer(at, queue, name);
  if (found !== undefined) return found;
  throw new MillraceError(codes.NOT_FOUND, `queue ${queue} has no consumer ${JSON.stringify(name)}`, {
    advice: 'see `millrace consumer list`',
  });
}

/** Throws CONFLICT for the queue of a set, which only Millrace's own verbs change. */
export function refuseSet({ name, isSet }: QueueRecord, advice: string): void {
  if (isSet) throw new MillraceError(codes.CONFLICT, `queue ${name} carries the tables of a set`, { advice });
}

/** Throws USAGE for a consumer that is one of Millrace's subscribers. */
export function refuseOwnConsumer(name: string): void {
  if (!name.startsWith('millrace.')) return;
  throw new MillraceError(codes.USAGE, `${JSON.stringify(name)} is Millrace's name for the consumer of a subscriber`, {
    advice: 'use `millrace install` and `millrace unregister` for subscribers',
  });
}

/** Throws USAGE for what cannot be a name. `what`: `queue`, `consumer`. */
export function checkName(name: string, what: string): void {
  const isName = /^[^\p{Cc}\p{Cs}]+$/u.test(name) && name.trim() === name && Buffer.byteLength(name) <= 255;
  if (isName) return;
  throw new MillraceError(codes.USAGE, `${JSON.stringify(name)} cannot be the name of a ${what}`, {
    advice: 'write 1 to 255 bytes without control characters, and no space at either end',
  });
}

/** A whole number of an option: [minimum, default, maximum]. Throws USAGE. */
export function boundedNumber(
  args: Arguments,
  option: string,
  [min, usual, max]: readonly [number, number, number],
): number {
  const value = Number(args.value(option) ?? usual);
  if (value >= min && value <= max) return value;
  throw new MillraceError(codes.USAGE, `--${option} must be from ${min} to ${max}`);
}
