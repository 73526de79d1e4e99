import { codes, MillraceError } from '@millrace/errors';
import { parseTableName } from '@millrace/model';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { remoteNotifier } from '../notes/copy-note.ts';
import { distinctTables } from '../preflight/named.ts';
import { refuseOn } from '../preflight/refusals.ts';
import { carryOut } from '../set/carry-out.ts';
import { changeSet } from '../set/change-set.ts';
import { planResync } from '../set/plan/plan-resync.ts';
import { readResync } from '../set/read-facts.ts';
import { resyncHere } from '../set/resync-here.ts';

export const resync: Command = {
  name: 'resync',
  summary: 'Copy tables of the set again to their subscribers; rows that are equal are not touched.',
  usage: 'TABLE… [--all] [--subscriber NAME…] --yes',
  example: 'millrace resync entry --subscriber eu --yes',
  more:
    'Readers see the old rows until the new ones are in, never an empty or half-loaded table. Rows that only the subscriber has\n' +
    "are removed there, rows that differ become equal to the provider's. The provider is read once for all subscribers.\n" +
    'Until the copy is in, changes are kept and applied after it. A table whose copy is on its way is left alone.',
  options: {
    ...subscriberOption,
    all: { type: 'boolean', help: 'all tables of the set' },
  },
  words: [0, Number.POSITIVE_INFINITY],
  effect: 'changes',
  confirm: {
    warning: (args) =>
      `${args.has('all') ? 'all tables' : args.words.join(', ')} will be copied again: what was changed at the subscribers only is lost`,
    unattended: 'refuse',
  },
  api: { words: 'tables', result: z.strictObject({ resynced: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check,
  run: runResync,
};

function check({ words, has }: Arguments): void {
  if (has('all') === words.length > 0) {
    throw new MillraceError(codes.USAGE, 'resync: name tables, or use --all', {
      advice: `usage: millrace resync ${resync.usage}`,
    });
  }
  words.forEach(parseTableName);
}

async function runResync(context: Context, args: Arguments): Promise<number> {
  const { note } = context;
  const all = args.has('all');
  const tables = distinctTables(args.words.map(parseTableName));
  const config = await context.config();
  if (config.provider === undefined) return resyncHere(context, config, { tables, args });
  return changeSet(config, { named: args.values('subscriber'), registeredOnly: true }, async (sides) => {
    const plan = planResync(await readResync(sides, all ? undefined : tables), { all });
    refuseOn(plan.refusals);
    const notifyRemoteSubscriber = remoteNotifier(config, note, 'resync');
    const resynced = await carryOut({ ...sides, note, notifyRemoteSubscriber }, plan);
    context.result({ resynced, subscribers: sides.targets.map(({ name }) => name) }, '');
    return 0;
  });
}
