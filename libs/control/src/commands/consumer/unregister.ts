import { unregisterConsumer } from '@millrace/provider';
import { z } from 'zod';
import type { Command } from '../../command/command.ts';
import {
  atQueues,
  auditedAtQueue,
  databaseOption,
  lockQueue,
  needQueue,
  refuseOwnConsumer,
} from '../../queues/at-queues.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  unregistered: z.int().describe('subscriptions that went, those of its subconsumers as well; 0: there was none'),
});

export const consumerUnregister: Command = {
  name: 'consumer unregister',
  summary: 'Forget a consumer, its place in the queue and its events to be retried.',
  usage: 'QUEUE NAME [--database NAME] --yes',
  example: 'millrace consumer unregister jobs mailer --yes',
  options: { ...databaseOption },
  words: [2, 2],
  effect: 'changes',
  check: ({ words: [, name = ''] }) => refuseOwnConsumer(name),
  audited: auditedAtQueue,
  confirm: {
    warning: ({ words: [queue, name] }) =>
      `consumer unregister lets queue ${queue} go of what ${name} has not finished`,
    unattended: 'refuse',
  },
  api: { words: ['queue', 'consumer'], result },
  run: (context, args) =>
    atQueues(context, args, async (at) => {
      const { side, database } = at;
      const [queue = '', consumer = ''] = args.words;
      await needQueue(at, queue);
      await lockQueue(at, queue);
      const unregistered = await side.asked(() => unregisterConsumer(side.client, queue, consumer));
      context.note(
        unregistered > 0 ? `consumer ${consumer} is unregistered` : `there is no consumer ${consumer}: nothing to do`,
      );
      context.result({ database, queue, consumer, unregistered } satisfies z.infer<typeof result>, '');
      return 0;
    }),
};
