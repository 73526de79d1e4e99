import { codes, MillraceError } from '@millrace/errors';
import { dropQueue, hasConsumers, listConsumers, listQueues, wasQueueDropped } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  databaseOption,
  lockQueue,
  type QueueSide,
  refuseSet,
} from '../../queues/at-queues.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  dropped: z.boolean().describe('false: it was gone already'),
});

export const queueDrop: Command = {
  name: 'queue drop',
  summary: 'Remove a queue with its events.',
  usage: 'NAME [--force] [--database NAME] --yes',
  example: 'millrace queue drop jobs --yes',
  more: 'Refused while it has consumers, unless --force is given, and for the queue of a set.',
  options: { force: { type: 'boolean', help: 'also when it has consumers; they are removed' }, ...databaseOption },
  words: [1, 1],
  effect: 'changes',
  audited: auditedAtQueue,
  confirm: {
    warning: ({ words: [queue] }) => `queue drop removes queue ${queue} with all its events`,
    unattended: 'refuse',
  },
  api: { words: 'queue', result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const [queue = ''] = args.words;
      const dropped = await drop(at, queue, args.has('force'));
      context.note(dropped ? `queue ${queue} is dropped` : `queue ${queue} was dropped before: nothing to do`);
      context.result({ database: at.database, queue, dropped } satisfies z.infer<typeof result>, '');
      return 0;
    }),
};

async function drop(at: QueueSide, queue: string, force: boolean): Promise<boolean> {
  const { side, state } = at;
  await lockQueue(at, queue);
  const [found] = await side.run(() => listQueues(side.client, queue, state));
  if (found === undefined) {
    if (await wasDropped(at, queue)) return false;
    throw new MillraceError(codes.NOT_FOUND, `there is no queue ${JSON.stringify(queue)}`, {
      advice: 'see `millrace queue list`',
    });
  }
  refuseSet(found, 'remove its tables with `millrace remove`, or all with `millrace uninstall`');
  const names = (await side.run(() => listConsumers(side.client, queue))).map(({ name }) => name);
  if (names.length > 0 && !force) throw hasConsumers(queue, names);
  return side.run(() => dropQueue(side.client, queue, { force }));
}

/** Only the audit knows; without one a queue that is not there is a mistyped name. */
async function wasDropped({ side, state }: QueueSide, queue: string): Promise<boolean> {
  if (!state.millrace) return false;
  return side.run((client) => wasQueueDropped(client, queue));
}
