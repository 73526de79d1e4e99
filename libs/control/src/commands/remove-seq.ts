import { codes } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableLabel } from '@millrace/model';
import { describeSequence } from '@millrace/postgres';
import type { ProviderOverview } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { refuseOn } from '../preflight/findings.ts';
import type { Target } from '../set/add-tables.ts';
import { stillHolding } from '../set/remaining.ts';
import { closeTargets, openTargets } from '../set/targets.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';

export const removeSeq: Command = {
  name: 'remove-seq',
  summary: 'Follow sequences no longer. Their values at the subscribers stay.',
  usage: 'SEQ… [--subscriber NAME…]',
  example: 'millrace remove-seq entry_id_seq',
  options: {
    subscriber: { type: 'string', multiple: true, value: 'NAME', help: 'only at these subscribers; default: all' },
  },
  words: [1, Number.POSITIVE_INFINITY],
  effect: 'changes',
  api: {
    words: 'sequences',
    result: z.strictObject({ removed: z.array(z.string()), subscribers: z.array(z.string()) }),
  },
  check: ({ words }) => words.forEach(parseTableName),
  run: runRemoveSeq,
};

async function runRemoveSeq(context: Context, args: Arguments): Promise<number> {
  const sequences = args.words.map(parseTableName);
  const config = await context.config();
  const provider = config.provider === undefined ? undefined : await ProviderSide.open(config);
  let targets: Target[] = [];
  try {
    await provider?.lockChanges();
    const overview = await provider?.overview();
    const known = knownSubscribers(config, overview?.subscribers);
    const names = chooseSubscribers(args.values('subscriber'), known);
    targets = await openTargets(config, names);
    if (provider !== undefined && overview !== undefined) await refuseUnknown(provider, overview, sequences);
    const others = known.filter((name) => !names.includes(name));
    const removed: string[] = [];
    for (const sequence of sequences) {
      let changed = false;
      for (const { side } of targets) if (await side?.leaveSequence(sequence)) changed = true;
      if (provider !== undefined && overview?.sequences.some((s) => sameTable(s, sequence))) {
        const holding = await stillHolding(config, others, { object: sequence, holds: followsSequence });
        if (holding.length > 0) context.note(`${tableLabel(sequence)} stays in the set for ${holding.join(', ')}`);
        else {
          await provider.removeSequence(sequence);
          changed = true;
        }
      }
      if (changed) removed.push(tableLabel(sequence));
      context.note(`${tableLabel(sequence)}: ${changed ? 'removed' : 'nothing to do'}`);
    }
    context.result({ removed, subscribers: names }, '');
    return 0;
  } finally {
    await closeTargets(targets);
    await provider?.close();
  }
}

async function followsSequence({ side }: Target, sequence: TableName): Promise<boolean> {
  // One that only reports does not tell its sequences: it counts as following.
  if (side === undefined) return true;
  return (await side.overview()).sequences.some((s) => sameTable(s, sequence));
}

async function refuseUnknown(
  provider: ProviderSide,
  overview: ProviderOverview,
  sequences: readonly TableName[],
): Promise<void> {
  for (const sequence of sequences) {
    if (overview.sequences.some((s) => sameTable(s, sequence))) continue;
    const there = await provider.side.asked((client) => describeSequence(client, sequence));
    const text = `there is no sequence ${tableLabel(sequence)}, in the set or at the provider`;
    if (there === undefined) refuseOn([{ code: codes.NOT_FOUND, text }]);
  }
}
