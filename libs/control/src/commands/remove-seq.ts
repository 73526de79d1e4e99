import { parseTableName, sameTable } from '@millrace/model';
import { describeSequence } from '@millrace/postgres';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { type Removal, removeFromSet } from '../set/remove-from-set.ts';

export const removeSeq: Command = {
  name: 'remove-seq',
  summary: 'Stop replicating sequences. Their values at the subscribers stay.',
  usage: 'SEQ… [--subscriber NAME…]',
  example: 'millrace remove-seq entry_id_seq',
  options: { ...subscriberOption },
  words: [1, Number.POSITIVE_INFINITY],
  effect: 'changes',
  api: {
    words: 'sequences',
    result: z.strictObject({ removed: z.array(z.string()), subscribers: z.array(z.string()) }),
  },
  check: ({ words }) => words.forEach(parseTableName),
  run: (context, args) => removeFromSet(context, args, sequenceRemoval),
};

const sequenceRemoval: Removal = {
  kind: 'sequence',
  inSet: ({ sequences }) => sequences,
  existsAtProvider: async ({ side }, sequence) => {
    return (await side.run((client) => describeSequence(client, sequence))) !== undefined;
  },
  // One that only reports does not report its sequences: it counts as following.
  isFollowed: async ({ side }, sequence) =>
    side === undefined || (await side.overview()).sequences.some((s) => sameTable(s, sequence)),
  leaveSubscribers: async ({ targets }, sequence) => {
    let changed = false;
    for (const { side } of targets) if (await side?.leaveSequence(sequence)) changed = true;
    return changed;
  },
  leaveSet: async (_work, provider, sequence) => {
    await provider.removeSequence(sequence);
  },
  lastLine: (label, changed) => `${label}: ${changed ? 'removed' : 'nothing to do'}`,
};
