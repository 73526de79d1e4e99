import type { Config } from '@millrace/config';
import { parseTableName, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { addSequences } from '../set/add-sequences.ts';
import { changeSet } from '../set/change-set.ts';
import { closeTargets, openTargets } from '../set/targets.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';

export const addSeq: Command = {
  name: 'add-seq',
  summary: 'Replicate sequences: their value at a subscriber is set whenever it moves at the provider.',
  usage: 'SEQ… [--subscriber NAME…]',
  example: 'millrace add-seq entry_id_seq',
  options: { ...subscriberOption },
  words: [1, Number.POSITIVE_INFINITY],
  effect: 'changes',
  api: { words: 'sequences', result: z.strictObject({ added: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check: ({ words }) => words.forEach(parseTableName),
  run: runAddSeq,
};

async function runAddSeq(context: Context, args: Arguments): Promise<number> {
  const sequences = args.words.map(parseTableName);
  const config = await context.config();
  if (config.provider === undefined) return addSequencesHere(context, config, args);
  return changeSet(config, { named: args.values('subscriber') }, async (sides) => {
    const added = await addSequences({ ...sides, note: context.note, skipMissing: false }, sequences);
    context.result({ added: added.map(tableLabel), subscribers: sides.targets.map(({ name }) => name) }, '');
    return 0;
  });
}

/** Without a provider: the sequence waits here until it is added on the provider's side too. */
async function addSequencesHere(context: Context, config: Config, args: Arguments): Promise<number> {
  const sequences = args.words.map(parseTableName);
  const targets = await openTargets(config, chooseSubscribers(args.values('subscriber'), knownSubscribers(config)));
  try {
    for (const { name, side } of targets) {
      for (const sequence of sequences) await side?.followSequence(sequence);
      context.note(`${name}: follows ${sequences.map(tableLabel).join(', ')}; now run add-seq on the provider's side`);
    }
    context.result({ added: sequences.map(tableLabel), subscribers: targets.map(({ name }) => name) }, '');
    return 0;
  } finally {
    await closeTargets(targets);
  }
}
