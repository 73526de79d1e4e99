import { codes, MillraceError } from '@millrace/errors';
import { type PeekAt, peekEvents, tickAt } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command } from '../../command/command.ts';
import {
  atQueues,
  boundedNumber,
  databaseOption,
  needConsumer,
  needQueue,
  type QueueSide,
} from '../../queues/at-queues.ts';
import { eventDocument, eventOf } from '../../queues/documents.ts';
import { showEvents } from '../../queues/show-queues.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  prev_tick: z.number().nullable().describe('null: there is no tick after the consumer'),
  tick: z.number().nullable().describe('up to which events were read'),
  batch: z.number().nullable().describe('the batch that the consumer has open'),
  events: z.array(eventDocument),
});

export const eventsPeek: Command = {
  name: 'events peek',
  summary: 'Show events without taking them: those a consumer will get next, or the batch of a tick.',
  usage: 'QUEUE CONSUMER | QUEUE --tick N [--limit N] [--database NAME] [--json]',
  example: 'millrace events peek jobs mailer --limit 5',
  more: 'No batch is opened. Events that came after the newest tick are not shown: `millrace queue tick` makes one.',
  options: {
    tick: { type: 'number', value: 'N', help: 'the batch that ends with this tick' },
    limit: { type: 'number', value: 'N', help: 'how many at most, 1 to 10,000; default: 10' },
    ...databaseOption,
  },
  words: [1, 2],
  effect: 'reads',
  api: { words: ['queue', 'consumer'], result, guarded: true },
  run: async (context, args) => {
    const [queue = ''] = args.words;
    const limit = boundedNumber(args, 'limit', [1, 10, 10_000]);
    const what = whatOf(args);
    return atQueues(context, args, async (at) => {
      await needQueue(at, queue);
      await refuseUnknown(at, queue, what);
      const found = await at.side.run(() => peekEvents(at.side.client, queue, what, limit));
      const { prevTick: prev_tick, tick, batch } = found;
      const document = { database: at.database, queue, prev_tick, tick, batch, events: found.events.map(eventOf) };
      context.result(
        document satisfies z.infer<typeof result>,
        showEvents(found.events, ['TXID', ({ txid }) => String(txid)]),
      );
      return 0;
    });
  },
};

function whatOf(args: Arguments): PeekAt {
  const [, consumer] = args.words;
  if ((consumer === undefined) === args.has('tick')) {
    if (consumer !== undefined) return { consumer };
    return { tick: boundedNumber(args, 'tick', [1, 1, Number.MAX_SAFE_INTEGER]) };
  }
  throw new MillraceError(codes.USAGE, 'events peek: name a consumer, or --tick N');
}

async function refuseUnknown(at: QueueSide, queue: string, what: PeekAt): Promise<void> {
  if ('consumer' in what) await needConsumer(at, queue, what.consumer);
  else await at.side.run(() => tickAt(at.side.client, queue, what));
}
