import { needQueueDatabase } from '@millrace/config';
import { withTransaction } from '@millrace/postgres';
import { createQueue, pgqState, setQueueParameter } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../../command/command.ts';
import { installQueues } from '../../install/install-parts.ts';
import {
  atQueues,
  auditedAtQueue,
  checkName,
  databaseOption,
  labelOf,
  lockQueue,
  type QueueSide,
} from '../../queues/at-queues.ts';
import { parameterOptions, type Setting, settingsOf } from '../../queues/parameters.ts';
import { Side } from '../../sides/side.ts';

const result = z.strictObject({
  database: z.string(),
  queue: z.string(),
  created: z.boolean().describe('false: it was there'),
});

export const queueCreate: Command = {
  name: 'queue create',
  summary: 'Create a queue, and schema pgq where the database has none.',
  usage: 'NAME [--ticker-max-lag VALUE] [--rotation-period VALUE] … [--database NAME]',
  example: 'millrace queue create jobs --ticker-max-lag 1s',
  more: 'An existing queue stays unchanged, with its settings: `millrace queue config` changes them.',
  options: { ...parameterOptions, ...databaseOption },
  words: [1, 1],
  effect: 'changes',
  check: (args) => {
    checkName(args.words[0] ?? '', 'queue');
    settingsOf(args);
  },
  audited: auditedAtQueue,
  api: { words: 'queue', result },
  run: async (context, args) => {
    const [queue = ''] = args.words;
    const settings = settingsOf(args);
    await installWhereMissing(context, args);
    return atQueues(context, args, async (at) => {
      const created = await create(at, queue, settings);
      context.note(created ? `queue ${queue} is made` : `queue ${queue} is there already: nothing to do`);
      context.result({ database: at.database, queue, created } satisfies z.infer<typeof result>, '');
      return 0;
    });
  },
};

async function create(at: QueueSide, queue: string, settings: readonly Setting[]): Promise<boolean> {
  const { side } = at;
  await lockQueue(at, queue);
  return side.run(() =>
    withTransaction(side.client, async () => {
      const created = await createQueue(side.client, queue);
      if (created) for (const [name, value] of settings) await setQueueParameter(side.client, queue, name, value);
      return created;
    }),
  );
}

async function installWhereMissing(context: Context, args: Arguments): Promise<void> {
  const database = needQueueDatabase(await context.config(), args.value('database'));
  const side = await Side.open(database.url, labelOf(database));
  try {
    const { pgq } = await side.run(() => pgqState(side.client));
    if (pgq !== 'none') return;
    await installQueues(side);
    context.note(`${labelOf(database)}: schema pgq is installed`);
  } finally {
    await side.close();
  }
}
