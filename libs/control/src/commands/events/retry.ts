import { codes, MillraceError } from '@millrace/errors';
import { listRetries, releaseRetries } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  boundedNumber,
  databaseOption,
  needConsumer,
  needQueue,
} from '../../queues/at-queues.ts';
import { retryDocument, retryOf } from '../../queues/documents.ts';
import { showEvents } from '../../queues/show-queues.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  released: z.int().describe('events that were put back now'),
  waiting: z.array(retryDocument).describe('events that are not due yet, the next one first'),
});

export const eventsRetry: Command = {
  name: 'events retry',
  summary: 'List the events that wait to be retried for a consumer, or put them back now.',
  usage: 'QUEUE CONSUMER [--now | --event ID…] [--limit N] [--database NAME] [--json]',
  example: 'millrace events retry jobs mailer --now',
  more: 'Events put back come in a batch after the next tick. Otherwise the ticker puts each back when it is due.',
  options: {
    now: { type: 'boolean', help: 'put all of them back now' },
    event: { type: 'number', multiple: true, value: 'ID', help: 'put these back now' },
    limit: { type: 'number', value: 'N', help: 'how many to list at most, 1 to 10,000; default: 100' },
    ...databaseOption,
  },
  words: [2, 2],
  effect: (args) => (releases(args) ? 'changes' : 'reads'),
  check,
  audited: auditedAtQueue,
  api: { words: ['queue', 'consumer'], result },
  run: async (context, args) => {
    const [queue = '', consumer = ''] = args.words;
    const limit = boundedNumber(args, 'limit', [1, 100, 10_000]);
    return atQueues(context, args, async (at) => {
      const { side, database } = at;
      await needQueue(at, queue);
      await needConsumer(at, queue, consumer);
      const ids = args.has('event') ? { ids: args.values('event').map(Number) } : {};
      const released = releases(args)
        ? await side.run(() => releaseRetries(side.client, { queue, consumer, ...ids }))
        : 0;
      const waiting = await side.run(() => listRetries(side.client, queue, consumer, limit));
      if (releases(args)) context.note(released === 0 ? 'nothing to do' : `${released} put back`);
      const document = { database, queue, consumer, released, waiting: waiting.map(retryOf) };
      context.result(
        document satisfies z.infer<typeof result>,
        showEvents(waiting, ['NOT BEFORE', ({ retryAt }) => retryAt]),
      );
      return 0;
    });
  },
};

function check(args: Arguments): void {
  if (!args.has('now') || !args.has('event')) return;
  throw new MillraceError(codes.USAGE, 'events retry: --now is all of them; leave out --event');
}

function releases(args: Arguments): boolean {
  return args.has('now') || args.has('event');
}
