import { codes, MillraceError } from '@millrace/errors';
import { registerConsumer, tickAt } from '@millrace/provider';
import { z } from 'zod';
import { boundedNumber, checkName, findConsumer, needConsumer } from '../../queues/at-queues.ts';
import { consumerCommand } from './consumer-command.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  registered: z.boolean().describe('false: it was there'),
  last_tick: z.number().nullable(),
});

export const consumerRegister = consumerCommand({
  name: 'consumer register',
  summary: 'Register a consumer: from now on the queue keeps all events for it.',
  usage: 'QUEUE NAME [--at TICK] [--database NAME]',
  example: 'millrace consumer register jobs mailer',
  more: 'It begins after the newest tick, or after --at. A registered one stays where it is: `millrace consumer seek` moves it.',
  options: { at: { type: 'number', value: 'TICK', help: 'a tick that is still kept' } },
  check: ({ words: [, name = ''] }) => checkName(name, 'consumer'),
  result,
  change: async (at, args, { note }) => {
    const { side, database, queue, consumer } = at;
    const wanted = args.has('at') ? boundedNumber(args, 'at', [0, 0, Number.MAX_SAFE_INTEGER]) : undefined;
    const before = await findConsumer(at, queue, consumer);
    if (before !== undefined && wanted !== undefined && before.lastTick !== wanted)
      throw isThere(queue, before.lastTick);
    const tick = wanted === undefined ? undefined : await side.run(() => tickAt(side.client, queue, { tick: wanted }));
    const registered =
      before === undefined &&
      (await side.run(() => registerConsumer(side.client, { queue, consumer, tick: tick ?? null })));
    const { lastTick: last_tick } = await needConsumer(at, queue, consumer);
    note(registered ? `consumer ${consumer} is registered` : `consumer ${consumer} is there already: nothing to do`);
    return { document: { database, queue, consumer, registered, last_tick }, text: '' };
  },
});

function isThere(queue: string, tick: number | null): MillraceError {
  return new MillraceError(codes.CONFLICT, `queue ${queue} has that consumer already, at tick ${tick ?? '-'}`, {
    advice: 'move it with `millrace consumer seek`',
  });
}
