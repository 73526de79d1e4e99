import { sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { alignColumns } from '../command/show.ts';
import { type Gathered, type GatheredSubscriber, gather } from '../status/gather.ts';
import { refuseWithoutAnswer } from '../status/refuse-without-answer.ts';

const listedSequence = z.strictObject({
  name: z.string().describe('as in SQL'),
  schema: z.string(),
  sequence: z.string(),
  last_value: z.string().nullable().describe('the value last put into the queue'),
  subscribers: z
    .record(z.string(), z.literal('ok').nullable())
    .describe('by subscriber; null: not followed there, or not known'),
});

const result = z.strictObject({ queue: z.string(), sequences: z.array(listedSequence) });

type ListedSequence = z.infer<typeof listedSequence>;

export const seqs: Command = {
  name: 'seqs',
  summary: 'List the sequences of the set, and who follows them.',
  usage: '[--json]',
  example: 'millrace seqs',
  options: {},
  words: [0, 0],
  effect: 'reads',
  api: { result },
  run: async (context) => {
    const gathered = await gather(await context.config());
    refuseWithoutAnswer(gathered);
    const list = sequenceList(gathered);
    const subscribers = gathered.subscribers.map(({ name }) => name);
    const rows = list.map((s) => [
      s.name,
      s.last_value ?? '-',
      ...subscribers.map((name) => s.subscribers[name] ?? '-'),
    ]);
    context.result(
      { queue: gathered.queue, sequences: list },
      alignColumns([['SEQUENCE', 'LAST VALUE', ...subscribers], ...rows]),
    );
    return 0;
  },
};

function sequenceList({ provider, subscribers }: Gathered): ListedSequence[] {
  const inSet = provider.kind === 'answer' ? provider.value.sequences : [];
  const all = new Map<string, TableName>();
  for (const s of [...inSet, ...subscribers.flatMap(sequencesOf)])
    all.set(tableKey(s), { schema: s.schema, name: s.name });
  return [...all.values()].map((sequence) => ({
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
