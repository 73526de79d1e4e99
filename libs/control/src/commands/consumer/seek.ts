import { codes, MillraceError } from '@millrace/errors';
import { type Place, registerConsumer, tickAt } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments } from '../../command/command.ts';
import { boundedNumber, needConsumer } from '../../queues/at-queues.ts';
import { consumerCommand } from './consumer-command.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  from_tick: z.number().nullable().describe('where it stood'),
  tick: z.number().describe('where it stands now; what is after that it gets next'),
});

export const consumerSeek = consumerCommand({
  name: 'consumer seek',
  summary: 'Move a consumer: back, to get events again, or forward, to skip some.',
  usage: 'QUEUE NAME --tick N | --time T | --start | --end [--database NAME]',
  example: "millrace consumer seek jobs mailer --time '2026-01-31 08:00'",
  more: 'The batch it has open is dropped, and what the consumer reports of it is ignored. Stop the consumer meanwhile.',
  options: {
    tick: { type: 'number', value: 'N', help: 'a tick that is still kept' },
    time: {
      type: 'string',
      value: 'T',
      help: 'the last tick of that time or before, so that it gets all that came later',
    },
    start: { type: 'boolean', help: 'the oldest tick that is kept' },
    end: { type: 'boolean', help: 'the newest tick' },
  },
  check: placeOf,
  result,
  change: async (at, args) => {
    const { side, database, queue, consumer } = at;
    const place = placeOf(args);
    const { lastTick: from_tick } = await needConsumer(at, queue, consumer);
    if (from_tick === null) throw isSubconsumer(consumer);
    const tick = await side.run(() => tickAt(side.client, queue, place));
    await side.run(() => registerConsumer(side.client, { queue, consumer, tick }));
    const document = { database, queue, consumer, from_tick, tick };
    return { document, text: `from tick ${from_tick} to tick ${tick}` };
  },
});

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
