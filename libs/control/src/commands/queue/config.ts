import { withTransaction } from '@millrace/postgres';
import { queueParameters, setQueueParameter } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import { atQueues, auditedAtQueue, databaseOption, lockQueue, needQueue } from '../../queues/at-queues.ts';
import { parseSetting, settingsOfQueue } from '../../queues/parameters.ts';
import { readQueues } from '../../queues/read-queues.ts';
import { showSettings } from '../../queues/show-queues.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  config: z.record(z.enum(queueParameters), value),
});

export const queueConfig: Command = {
  name: 'queue config',
  summary: "Show or change a queue's settings.",
  usage: 'NAME [KEY=VALUE…] [--database NAME]',
  example: 'millrace queue config jobs ticker_max_lag=1s rotation_period=1h',
  more: `Keys are ${queueParameters.join(', ')}. All given settings are changed, or none. rotation_period=never keeps all events.`,
  options: { ...databaseOption },
  words: [1, Number.POSITIVE_INFINITY],
  effect: (args) => (args.words.length > 1 ? 'changes' : 'reads'),
  check: ({ words: [, ...pairs] }) => pairs.forEach(parseSetting),
  audited: auditedAtQueue,
  api: { words: ['queue', 'settings'], result },
  run: async (context, args) => {
    const [name = '', ...pairs] = args.words;
    const settings = pairs.map(parseSetting);
    return atQueues(context, args, async (at) => {
      const { side, database } = at;
      await needQueue(at, name);
      if (settings.length > 0) {
        await lockQueue(at, name);
        await side.run(() =>
          withTransaction(side.client, async () => {
            for (const [parameter, to] of settings) await setQueueParameter(side.client, name, parameter, to);
          }),
        );
      }
      const [queue] = await readQueues(at, name);
      const config = queue === undefined ? {} : settingsOfQueue(queue);
      context.result({ database, queue: name, config }, showSettings(config));
      return 0;
    });
  },
};
