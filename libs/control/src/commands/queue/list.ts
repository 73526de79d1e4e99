import { queueDatabases } from '@millrace/config';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import { atQueues, databaseOption } from '../../queues/at-queues.ts';
import { queueDocument } from '../../queues/documents.ts';
import { readAll, readQueues } from '../../queues/read-queues.ts';
import { showQueues } from '../../queues/show-queues.ts';

const result = z.strictObject({
  queues: z.array(queueDocument),
  unreachable: z
    .array(z.strictObject({ database: z.string(), code: z.string(), message: z.string() }))
    .describe('with `all`: databases that did not answer'),
});

export const queueList: Command = {
  name: 'queue list',
  summary: 'List queues with their state and their consumers.',
  usage: '[--all | --database NAME] [--json]',
  example: 'millrace queue list',
  options: { all: { type: 'boolean', help: 'of every database of the configuration' }, ...databaseOption },
  words: [0, 0],
  effect: 'reads',
  api: { result },
  run: async (context, args) => {
    const databases = args.has('all') ? queueDatabases(await context.config()) : undefined;
    const found =
      databases === undefined
        ? { queues: await atQueues(context, args, (at) => readQueues(at)), unreachable: [] }
        : await readAll(databases);
    for (const { message } of found.unreachable) context.note(message);
    context.result(found satisfies z.infer<typeof result>, showQueues(found.queues));
    return found.unreachable.length === 0 ? 0 : 1;
  },
};
