// What `tables` and `seqs` share: they list the objects of the set, and who follows them.
import { type TableName, tableKey } from '@millrace/model';
import { z } from 'zod';
import type { Command } from '../command/command.ts';
import { alignColumns } from '../command/show.ts';
import { type Gathered, gather, refuseWithoutAnswer } from '../status/gather.ts';

/** What one of these commands lists. */
export interface SetList<Entry> {
  readonly name: 'tables' | 'seqs';
  readonly summary: string;
  /** The property of the document that holds the list. */
  readonly property: 'tables' | 'sequences';
  readonly entry: z.ZodType<Entry>;
  readonly entriesOf: (gathered: Gathered) => Entry[];
  /** The rows for people, with their heading. */
  readonly rowsOf: (entries: readonly Entry[], subscribers: readonly string[]) => string[][];
}

export function listCommand<Entry>(list: SetList<Entry>): Command {
  const { name, summary, property, entry, entriesOf, rowsOf } = list;
  return {
    name,
    summary,
    usage: '[--json]',
    example: `millrace ${name}`,
    options: {},
    words: [0, 0],
    effect: 'reads',
    api: { result: z.strictObject({ queue: z.string(), [property]: z.array(entry) }) },
    run: async (context) => {
      const gathered = await gather(await context.config());
      refuseWithoutAnswer(gathered);
      const entries = entriesOf(gathered);
      const subscribers = gathered.subscribers.map((one) => one.name);
      context.result({ queue: gathered.queue, [property]: entries }, alignColumns(rowsOf(entries, subscribers)));
      return 0;
    },
  };
}

/** Objects of the set and, where the provider cannot be reached, those the subscribers follow; each once. */
export function eachOnce(objects: readonly TableName[]): TableName[] {
  return [...new Map(objects.map(({ schema, name }) => [tableKey({ schema, name }), { schema, name }])).values()];
}
