import { codes, MillraceError } from '@millrace/errors';
import { forceQueueTick } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import { atQueues, auditedAtQueue, databaseOption, needQueue } from '../../queues/at-queues.ts';

const result = z.strictObject({ database: z.string(), queue: z.string(), tick: z.number() });

export const queueTick: Command = {
  name: 'queue tick',
  summary: 'Make a tick in a queue now, due or not.',
  usage: 'NAME [--database NAME]',
  example: 'millrace queue tick jobs',
  more: 'Everything committed before is in a batch that ends with it, or an earlier one.',
  options: { ...databaseOption },
  words: [1, 1],
  effect: 'changes',
  audited: auditedAtQueue,
  api: { words: 'queue', result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const { side, database } = at;
      const [queue = ''] = args.words;
      const { externalTicker, tickerPaused } = await needQueue(at, queue);
      if (externalTicker || tickerPaused) {
        const why = externalTicker ? 'has an external ticker' : 'is paused';
        throw new MillraceError(codes.CONFLICT, `queue ${queue} ${why}`, {
          advice: `set ${externalTicker ? 'external_ticker' : 'ticker_paused'}=false with \`millrace queue config\``,
        });
      }
      const tick = await side.run(() => forceQueueTick(side.client, queue, { where: side.label }));
      context.result({ database, queue, tick } satisfies z.infer<typeof result>, `tick ${tick}`);
      return 0;
    }),
};
