import { sameTable, type TableName, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Gathered, GatheredSubscriber } from '../status/gather.ts';
import { eachOnce, listCommand } from './set-list.ts';

const listedSequence = z.strictObject({
  name: z.string().describe('as in SQL'),
  schema: z.string(),
  sequence: z.string(),
  last_value: z.string().nullable().describe('the value last put into the queue'),
  subscribers: z
    .record(z.string(), z.literal('ok').nullable())
    .describe('by subscriber; null: not followed there, or not known'),
});

type ListedSequence = z.infer<typeof listedSequence>;

export const seqs = listCommand<ListedSequence>({
  name: 'seqs',
  summary: 'List the sequences of the set, and who follows them.',
  property: 'sequences',
  entry: listedSequence,
  entriesOf: sequenceList,
  rowsOf: (list, subscribers) => [
    ['SEQUENCE', 'LAST VALUE', ...subscribers],
    ...list.map((s) => [s.name, s.last_value ?? '-', ...subscribers.map((name) => s.subscribers[name] ?? '-')]),
  ],
});

function sequenceList({ provider, subscribers }: Gathered): ListedSequence[] {
  const inSet = provider.kind === 'answer' ? provider.value.sequences : [];
  return eachOnce([...inSet, ...subscribers.flatMap(sequencesOf)]).map((sequence) => ({
    name: tableLabel(sequence),
    schema: sequence.schema,
    sequence: sequence.name,
    last_value: inSet.find((s) => sameTable(s, sequence))?.lastValue ?? null,
    subscribers: Object.fromEntries(
      subscribers.map((s) => [s.name, sequencesOf(s).some((q) => sameTable(q, sequence)) ? ('ok' as const) : null]),
    ),
  }));
}

function sequencesOf({ database }: GatheredSubscriber): readonly TableName[] {
  return database.kind === 'answer' ? database.value.sequences : [];
}
