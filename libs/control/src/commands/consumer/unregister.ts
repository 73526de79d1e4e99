import { unregisterConsumer } from '@millrace/provider';
import { z } from 'zod';
import { consumerCommand } from './consumer-command.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  consumer: z.string(),
  unregistered: z.int().describe('subscriptions removed, those of its subconsumers included; 0: there was none'),
});

export const consumerUnregister = consumerCommand({
  name: 'consumer unregister',
  summary: 'Forget a consumer, its position in the queue and its events to be retried.',
  usage: 'QUEUE NAME [--database NAME] --yes',
  example: 'millrace consumer unregister jobs mailer --yes',
  confirm: {
    warning: ({ words: [queue, name] }) => `consumer unregister drops what queue ${queue} keeps for ${name}`,
    unattended: 'refuse',
  },
  result,
  change: async ({ side, database, queue, consumer }, _args, { note }) => {
    const unregistered = await side.run(() => unregisterConsumer(side.client, queue, consumer));
    note(unregistered > 0 ? `consumer ${consumer} is unregistered` : `there is no consumer ${consumer}: nothing to do`);
    return { document: { database, queue, consumer, unregistered }, text: '' };
  },
});
