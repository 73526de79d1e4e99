import { codes, MillraceError } from '@millrace/errors';
import { insertEvents, type NewEvent } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../../command/command.ts';
import { atQueues, auditedAtQueue, databaseOption, needQueue, refuseSet } from '../../queues/at-queues.ts';
import { parseEventLine } from '../../queues/event-lines.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  ids: z.array(z.number()).describe('of the events, in the order they were given'),
});

const extras = ['extra1', 'extra2', 'extra3', 'extra4'] as const;
const maxDataLength = 900_000;

export const eventsInsert: Command = {
  name: 'events insert',
  summary: 'Insert events into a queue.',
  usage: 'QUEUE TYPE DATA [--extra1 TEXT] … | QUEUE --stdin [--database NAME]',
  example: `millrace events insert jobs mail '{"to":"a@example.com"}'`,
  more:
    'With --stdin each line is one event as JSON: {"type": …, "data": …, "extra1": …}; what is not text is written as JSON. All\n' +
    'of them are inserted, or none.',
  options: {
    ...Object.fromEntries(
      extras.map((name) => [name, { type: 'string', value: 'TEXT', help: `the field ev_${name}` }]),
    ),
    stdin: { type: 'boolean', help: 'read events from stdin, one a line, as JSON' },
    ...databaseOption,
  },
  words: [1, 3],
  effect: 'changes',
  check,
  audited: auditedAtQueue,
  // Never the data.
  auditText: ({ words: [queue = '', type], has }) => [queue, ...(has('stdin') ? ['--stdin'] : [type ?? ''])].join(' '),
  api: { words: ['queue', 'type', 'data'], maxLength: maxDataLength, result },
  run: async (context, args) => {
    const [queue = ''] = args.words;
    const events = await eventsOf(context, args);
    return atQueues(context, args, async (at) => {
      refuseSet(await needQueue(at, queue), 'its events are written by the triggers of its tables');
      const ids = await at.side.run(() => insertEvents(at.side.client, queue, events));
      context.result({ database: at.database, queue, ids } satisfies z.infer<typeof result>, ids.join('\n'));
      return 0;
    });
  },
};

function check({ words: [, type, data], has }: Arguments, { input }: Context): void {
  const isStdin = has('stdin');
  if (isStdin !== (type === undefined) || (!isStdin && data === undefined)) {
    throw new MillraceError(codes.USAGE, 'events insert: give TYPE and DATA, or --stdin');
  }
  if (isStdin && input === undefined) {
    throw new MillraceError(codes.USAGE, 'events insert: there is no stdin here', { advice: 'give type and data' });
  }
}

async function eventsOf({ input }: Context, args: Arguments): Promise<NewEvent[]> {
  const [, type, data] = args.words;
  if (!args.has('stdin')) {
    const [extra1 = null, extra2 = null, extra3 = null, extra4 = null] = extras.map((name) => args.value(name) ?? null);
    return [{ type: type ?? null, data: data ?? null, extra1, extra2, extra3, extra4 }];
  }
  const events: NewEvent[] = [];
  let at = 0;
  for await (const line of input?.() ?? []) {
    at += 1;
    if (line.trim() !== '') events.push(parseEventLine(line, at));
  }
  return events;
}
