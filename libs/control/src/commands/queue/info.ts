import { tickAt } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import { atQueues, databaseOption, needQueue } from '../../queues/at-queues.ts';
import { queueDocument } from '../../queues/documents.ts';
import { readQueues } from '../../queues/read-queues.ts';
import { showConsumers, showQueues } from '../../queues/show-queues.ts';

const result = z.strictObject({
  queue: queueDocument,
  oldest_tick: z.number().describe('the first one that is kept: where `millrace consumer seek --start` moves to'),
});

export const queueInfo: Command = {
  name: 'queue info',
  summary: 'Show a queue: its settings, its ticks, its event tables, its consumers.',
  usage: 'NAME [--database NAME] [--json]',
  example: 'millrace queue info jobs',
  options: { ...databaseOption },
  words: [1, 1],
  effect: 'reads',
  api: { words: 'queue', result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const [name = ''] = args.words;
      await needQueue(at, name);
      const [queue] = await readQueues(at, name);
      const oldest_tick = await at.side.run(() => tickAt(at.side.client, name, 'start'));
      if (queue === undefined) return 1;
      const rotation = `event table ${queue.current_table + 1} of ${queue.event_tables}, since ${queue.rotated_at}`;
      const period = queue.rotation_period ?? 'never';
      const lines = [
        showQueues([queue]),
        '',
        `ticks kept from ${oldest_tick} on; rotation ${period}, ${rotation}`,
        '',
        showConsumers(queue.consumers),
      ];
      context.result({ queue, oldest_tick } satisfies z.infer<typeof result>, lines.join('\n'));
      return 0;
    }),
};
