import { codes } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import type { ProviderOverview } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { refuseOn } from '../preflight/findings.ts';
import { describeTable } from '../preflight/table-description.ts';
import type { Target } from '../set/add-tables.ts';
import { refuseFar, stillHolding } from '../set/remaining.ts';
import { closeTargets, openTargets } from '../set/targets.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';

export const remove: Command = {
  name: 'remove',
  summary: 'Take tables off the subscribers, and out of the set when no subscriber is left for them. Rows stay.',
  usage: 'TABLE… [--subscriber NAME…]',
  example: 'millrace remove entry --subscriber eu',
  options: {
    subscriber: { type: 'string', multiple: true, value: 'NAME', help: 'only from these subscribers; default: all' },
  },
  words: [1, Number.POSITIVE_INFINITY],
  effect: 'changes',
  confirm: {
    warning: (args) =>
      `${args.words.join(', ')} will not be followed any more; to follow again, the rows have to be copied anew. Rows stay.`,
    unattended: 'go-on',
  },
  api: { words: 'tables', result: z.strictObject({ removed: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check: ({ words }) => words.forEach(parseTableName),
  run: runRemove,
};

async function runRemove(context: Context, args: Arguments): Promise<number> {
  const tables = distinct(args.words.map(parseTableName));
  const config = await context.config();
  const provider = config.provider === undefined ? undefined : await ProviderSide.open(config);
  let targets: Target[] = [];
  try {
    await provider?.lockChanges();
    const overview = await provider?.overview();
    const known = knownSubscribers(config, overview?.subscribers);
    const names = chooseSubscribers(args.values('subscriber'), known);
    targets = await openTargets(config, names);
    if (provider !== undefined && overview !== undefined) await refuseUnknown(provider, overview, tables);
    refuseFar(targets, tables);
    const others = known.filter((name) => !names.includes(name));
    const removed: string[] = [];
    for (const table of tables) {
      let changed = await leaveEverywhere(context, targets, table);
      if (provider !== undefined && overview?.tables.some((t) => sameTable(t, table))) {
        await provider.cancelCopies(table, names);
        const holding = await stillHolding(config, others, { object: table, holds: followsTable });
        changed = (await leaveSet(context, provider, { table, holding })) || changed;
      }
      if (changed) removed.push(tableLabel(table));
      else context.note(`${tableLabel(table)}: nothing to do`);
    }
    context.result({ removed, subscribers: names }, '');
    return 0;
  } finally {
    await closeTargets(targets);
    await provider?.close();
  }
}

/** Named twice is removed once. */
function distinct(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [tableKey(table), table])).values()];
}

const followsTable = async ({ tables }: Target, table: TableName): Promise<boolean> =>
  tables.some((t) => sameTable(t, table));

async function leaveEverywhere(context: Context, targets: readonly Target[], table: TableName): Promise<boolean> {
  let changed = false;
  for (const { name, side } of targets) {
    if (side === undefined) continue;
    const what = `${tableLabel(table)} at subscriber ${name}`;
    if (!(await retryBusy(what, context.note, () => side.leaveTable(table)))) continue;
    await side.audit('remove', { tables: [tableLabel(table)] });
    context.note(`${name}: ${tableLabel(table)} is not followed any more`);
    changed = true;
  }
  return changed;
}

async function leaveSet(
  context: Context,
  provider: ProviderSide,
  { table, holding }: { table: TableName; holding: readonly string[] },
): Promise<boolean> {
  const label = tableLabel(table);
  if (holding.length > 0) {
    context.note(`${label} stays in the set for ${holding.join(', ')}`);
    return false;
  }
  await retryBusy(`${label} at the provider`, context.note, () => provider.removeTable(table));
  context.note(`${label}: out of the set`);
  return true;
}

/** A name that is neither in the set nor a table of the provider is most likely a slip of the hand. */
async function refuseUnknown(
  provider: ProviderSide,
  overview: ProviderOverview,
  tables: readonly TableName[],
): Promise<void> {
  for (const table of tables) {
    if (overview.tables.some((t) => sameTable(t, table))) continue;
    const there = await provider.side.asked(() => describeTable(provider.side.client, table));
    const text = `there is no table ${tableLabel(table)}, in the set or at the provider`;
    if (there === undefined) refuseOn([{ code: codes.NOT_FOUND, text }]);
  }
}
