import { codes, MillraceError } from '@millrace/errors';
import { type Place, registerConsumer, tickAt } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  boundedNumber,
  databaseOption,
  lockQueue,
  needQueue,
  refuseOwnConsumer,
} from '../../queues/at-queues.ts';
import { needConsumer } from '../../queues/consumer-result.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  from_tick: z.number().nullable().describe('where it stood'),
  tick: z.number().describe('where it stands now; what is after that it gets next'),
});

export const consumerSeek: Command = {
  name: 'consumer seek',
  summary: 'Move a consumer: back, to get events again, or forth, to pass over some.',
  usage: 'QUEUE NAME --tick N | --time T | --start | --end [--database NAME]',
  example: "millrace consumer seek jobs mailer --time '2026-01-31 08:00'",
  more: 'The batch it has open is dropped: what it does with that one counts for nothing. Stop the consumer meanwhile.',
  options: {
    tick: { type: 'number', value: 'N', help: 'a tick that is still kept' },
    time: {
      type: 'string',
      value: 'T',
      help: 'the last tick of that time or before, so that it gets all that came later',
    },
    start: { type: 'boolean', help: 'the oldest tick that is kept' },
    end: { type: 'boolean', help: 'the newest tick' },
    ...databaseOption,
  },
  words: [2, 2],
  effect: 'changes',
  check: (args) => {
    refuseOwnConsumer(args.words[1] ?? '');
    placeOf(args);
  },
  audited: auditedAtQueue,
  api: { words: ['queue', 'consumer'], result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const { side, database } = at;
      const [queue = '', consumer = ''] = args.words;
      const place = placeOf(args);
      await needQueue(at, queue);
      await lockQueue(at, queue);
      const before = await needConsumer(at, queue, consumer);
      if (before.lastTick === null) throw isSubconsumer(consumer);
      const tick = await side.asked(() => tickAt(side.client, queue, place));
      await side.asked(() => registerConsumer(side.client, { queue, consumer, tick }));
      const document = { database, queue, consumer, from_tick: before.lastTick, tick };
      context.result(document satisfies z.infer<typeof result>, `from tick ${before.lastTick} to tick ${tick}`);
      return 0;
    }),
};

function placeOf(args: Arguments): Place {
  const given = ['tick', 'time', 'start', 'end'].filter((name) => args.has(name));
  if (given.length !== 1) {
    throw new MillraceError(codes.USAGE, 'consumer seek: say one of --tick N, --time T, --start, --end');
  }
  if (args.has('start')) return 'start';
  if (args.has('end')) return 'end';
  if (args.has('tick')) return { tick: boundedNumber(args, 'tick', [0, 0, Number.MAX_SAFE_INTEGER]) };
  return { time: args.value('time') ?? '' };
}

function isSubconsumer(name: string): MillraceError {
  return new MillraceError(codes.CONFLICT, `${name} is a subconsumer: it has no place of its own`, {
    advice: 'move the consumer that it belongs to',
  });
}
