import { sameTable, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Gathered } from '../status/gather.ts';
import { showCopy } from '../status/show-status.ts';
import { outlookOf, tablesOf } from '../status/status.ts';
import { eachOnce, listCommand } from './set-list.ts';

const listedTable = z.strictObject({
  name: z.string().describe('as in SQL'),
  schema: z.string(),
  table: z.string(),
  key: z.array(z.string()).nullable(),
  problem: z.string().nullable().describe('why changes may be missing'),
  subscribers: z
    .record(z.string(), z.string().nullable())
    .describe('state by subscriber; null: not followed there, or not known'),
  copies: z
    .record(
      z.string(),
      z.strictObject({
        copied_rows: z.number(),
        copied_bytes: z.number(),
        total_rows: z.number().nullable(),
        total_bytes: z.number().nullable(),
        rows_per_s: z.number().nullable(),
        eta_s: z.number().nullable(),
      }),
    )
    .describe('copies on their way, by subscriber; totals are guesses from statistics'),
});

type ListedTable = z.infer<typeof listedTable>;

export const tables = listCommand<ListedTable>({
  name: 'tables',
  summary: 'List the tables of the set, with the state at each subscriber.',
  property: 'tables',
  entry: listedTable,
  entriesOf: tableList,
  rowsOf: (list, subscribers) => [
    ['TABLE', ...subscribers, ''],
    ...list.map((t) => [t.name, ...subscribers.map((s) => cellOf(t, s)), t.problem ?? '']),
  ],
});

function cellOf({ subscribers, copies }: ListedTable, name: string): string {
  const copy = copies[name];
  return `${subscribers[name] ?? '-'}${copy === undefined ? '' : ` (${showCopy(copy)})`}`;
}

function tableList({ provider, subscribers }: Gathered): ListedTable[] {
  const inSet = provider.kind === 'answer' ? provider.value.tables : [];
  return eachOnce([...inSet, ...subscribers.flatMap(tablesOf)]).map((table) => {
    const known = inSet.find((t) => sameTable(t, table));
    const there = subscribers.map((s) => [s.name, tablesOf(s).find((t) => sameTable(t, table))] as const);
    const copies = there.flatMap(([name, t]) => {
      if (t?.state !== 'copying') return [];
      const sizes = { copied_rows: t.copiedRows, copied_bytes: t.copiedBytes };
      return [[name, { ...sizes, ...outlookOf(t, known?.estimate ?? 0) }] as const];
    });
    return {
      name: tableLabel(table),
      schema: table.schema,
      table: table.name,
      key: known === undefined ? null : [...known.key],
      problem: known?.problem ?? null,
      subscribers: Object.fromEntries(there.map(([name, t]) => [name, t?.state ?? null])),
      copies: Object.fromEntries(copies),
    };
  });
}
