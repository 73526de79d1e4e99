import { codes, MillraceError } from '@millrace/errors';
import { registerConsumer, tickAt } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  boundedNumber,
  checkName,
  databaseOption,
  lockQueue,
  needQueue,
  refuseOwnConsumer,
} from '../../queues/at-queues.ts';
import { findConsumer, needConsumer } from '../../queues/consumer-result.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  registered: z.boolean().describe('false: it was there'),
  last_tick: z.number().nullable(),
});

export const consumerRegister: Command = {
  name: 'consumer register',
  summary: 'Let a queue keep everything for a consumer from now on.',
  usage: 'QUEUE NAME [--at TICK] [--database NAME]',
  example: 'millrace consumer register jobs mailer',
  more: 'It begins behind the newest tick, or behind --at. One that is there stays where it is: `millrace consumer seek` moves it.',
  options: { at: { type: 'number', value: 'TICK', help: 'a tick that is still kept' }, ...databaseOption },
  words: [2, 2],
  effect: 'changes',
  check: ({ words: [, name = ''] }) => {
    refuseOwnConsumer(name);
    checkName(name, 'consumer');
  },
  audited: auditedAtQueue,
  api: { words: ['queue', 'consumer'], result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const { side, database } = at;
      const [queue = '', consumer = ''] = args.words;
      await needQueue(at, queue);
      await lockQueue(at, queue);
      const wanted = args.has('at') ? boundedNumber(args, 'at', [0, 0, Number.MAX_SAFE_INTEGER]) : undefined;
      const before = await findConsumer(at, queue, consumer);
      if (before !== undefined && wanted !== undefined && before.lastTick !== wanted)
        throw isThere(queue, before.lastTick);
      const tick =
        wanted === undefined ? undefined : await side.asked(() => tickAt(side.client, queue, { tick: wanted }));
      const registered =
        before === undefined &&
        (await side.asked(() => registerConsumer(side.client, { queue, consumer, tick: tick ?? null })));
      const { lastTick: last_tick } = await needConsumer(at, queue, consumer);
      context.note(
        registered ? `consumer ${consumer} is registered` : `consumer ${consumer} is there already: nothing to do`,
      );
      context.result({ database, queue, consumer, registered, last_tick } satisfies z.infer<typeof result>, '');
      return 0;
    }),
};

function isThere(queue: string, tick: number | null): MillraceError {
  return new MillraceError(codes.CONFLICT, `queue ${queue} has that consumer already, at tick ${tick ?? '-'}`, {
    advice: 'move it with `millrace consumer seek`',
  });
}
