import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { describeTable } from '../preflight/table-description.ts';
import { type Removal, type RemovalWork, removeFromSet } from '../set/remove-from-set.ts';
import type { Target } from '../set/targets.ts';
import { retryBusy } from '../sides/retry-busy.ts';

export const remove: Command = {
  name: 'remove',
  summary:
    'Stop replicating tables to subscribers, and take them out of the set when no subscriber is left. Rows stay.',
  usage: 'TABLE… [--subscriber NAME…]',
  example: 'millrace remove entry --subscriber eu',
  options: { ...subscriberOption },
  words: [1, Number.POSITIVE_INFINITY],
  effect: 'changes',
  confirm: {
    warning: (args) =>
      `${args.words.join(', ')} will not be followed any more; to follow again, the rows have to be copied again. Rows stay.`,
    unattended: 'go-on',
  },
  api: { words: 'tables', result: z.strictObject({ removed: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check: ({ words }) => words.forEach(parseTableName),
  run: (context, args) => removeFromSet(context, args, tableRemoval),
};

const tableRemoval: Removal = {
  kind: 'table',
  inSet: ({ tables }) => tables,
  existsAtProvider: async ({ side }, table) => (await side.run(() => describeTable(side.client, table))) !== undefined,
  isFollowed: async ({ tables }, table) => tables.some((t) => sameTable(t, table)),
  refuse: refuseRemote,
  leaveSubscribers,
  beforeSet: ({ targets }, provider, table) =>
    provider.cancelCopies(
      table,
      targets.map(({ name }) => name),
    ),
  leaveSet: async ({ note }, provider, table) => {
    await retryBusy(`${tableLabel(table)} at the provider`, note, () => provider.removeTable(table));
    note(`${tableLabel(table)}: out of the set`);
  },
  lastLine: (label, changed) => (changed ? undefined : `${label}: nothing to do`),
};

async function leaveSubscribers({ targets, note }: RemovalWork, table: TableName): Promise<boolean> {
  let changed = false;
  for (const { name, side } of targets) {
    if (side === undefined) continue;
    const what = `${tableLabel(table)} at subscriber ${name}`;
    if (!(await retryBusy(what, note, () => side.leaveTable(table)))) continue;
    await side.audit('remove', { tables: [tableLabel(table)] });
    note(`${name}: ${tableLabel(table)} is not followed any more`);
    changed = true;
  }
  return changed;
}

/** Throws CONFIG for a subscriber that reports to follow a table and whose database is out of reach from here. */
function refuseRemote(targets: readonly Target[], tables: readonly TableName[]): void {
  for (const { name, side, tables: followed } of targets) {
    if (side !== undefined) continue;
    const followedThere = tables.find((table) => followed.some((t) => sameTable(t, table)));
    if (followedThere === undefined) continue;
    throw new MillraceError(
      codes.CONFIG,
      `subscriber ${name} follows ${tableLabel(followedThere)} and its database has no url here`,
      {
        advice: `run \`millrace remove ${tableLabel(followedThere)}\` where it can be reached first`,
      },
    );
  }
}
