import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import { atQueues, databaseOption, needQueue } from '../../queues/at-queues.ts';
import { consumerDocument } from '../../queues/documents.ts';
import { readQueues } from '../../queues/read-queues.ts';
import { showConsumers } from '../../queues/show-queues.ts';

const result = z.strictObject({ database: z.string(), consumers: z.array(consumerDocument) });

export const consumerList: Command = {
  name: 'consumer list',
  summary: 'List consumers: their position, and how many events are pending.',
  usage: '[QUEUE] [--database NAME] [--json]',
  example: 'millrace consumer list jobs',
  options: { ...databaseOption },
  words: [0, 1],
  effect: 'reads',
  api: { words: 'queue', result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const [queue] = args.words;
      if (queue !== undefined) await needQueue(at, queue);
      const consumers = (await readQueues(at, queue ?? null)).flatMap((one) => one.consumers);
      context.result({ database: at.database, consumers } satisfies z.infer<typeof result>, showConsumers(consumers));
      return 0;
    }),
};
