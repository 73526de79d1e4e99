// The two renderings of the net change, in TypeScript and in SQL, against each other.
import type { Op } from '@millrace/model';
import { connect, type PgClient } from '@millrace/postgres';
import { readTarget } from '@millrace/subscriber';
import { createDatabase } from '@millrace/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  emptyNetSql,
  fillNetSql,
  type NetCounts,
  type NetKind,
  netKinds,
  netRows,
  onlyOpOf,
  type RowChange,
  surveyAndFillSql,
  surveySql,
} from './net-change.ts';
import { type Layout, layoutOf } from './plan/layout.ts';
import { batchStage, createStageSql } from './statements/stage-statements.ts';

interface StagedNet {
  readonly counts: NetCounts;
  /** `kind a b v` of the changes that count. */
  readonly rows: string[];
  readonly before: { readonly kind: NetKind | null; readonly before: string }[];
}

const names = batchStage(1);
let client: PgClient;
let layout: Layout;

beforeEach(async () => {
  client = await connect((await createDatabase({ major: 15 })).url, { applicationName: 'test' });
  await client.query('CREATE TABLE t (v text, b text, a int, PRIMARY KEY (a, b))');
  const target = await readTarget(client, { schema: 'public', name: 't' });
  if (target === undefined) throw new Error('no table');
  layout = layoutOf(target, ['a', 'b', 'v'], ['a', 'b']);
  for (const sql of createStageSql(layout, names)) await client.query(sql);
});

afterEach(() => client.end());

/** Nets changes by the server, each statement that fills the net table for itself. */
async function netOnServer(changes: readonly RowChange[]): Promise<Record<'survey' | 'fill', StagedNet>> {
  await client.query('BEGIN');
  const columns = ['_op', 'a', 'b', 'v'].map((_, at) => changes.map(({ op, fields }) => [`(${op}`, ...fields][at]));
  await client.query(
    `INSERT INTO ${names.stage} (_op, a, b, v) SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[])`,
    columns,
  );
  const counts = numbers((await client.query(surveySql(layout, names))).rows[0]);
  const countsOfBoth = numbers((await client.query(surveyAndFillSql(layout, names))).rows[0]);
  const survey = { counts: countsOfBoth, ...(await netTable()) };
  await client.query(emptyNetSql(names));
  await client.query(fillNetSql(layout, names));
  const fill = { counts, ...(await netTable()) };
  await client.query('ROLLBACK');
  return { survey, fill };
}

async function netTable(): Promise<Omit<StagedNet, 'counts'>> {
  const found = await client.query(
    `SELECT n._kind AS kind, n._before AS before, s.a, s.b, s.v FROM ${names.net} n JOIN ${names.stage} s USING (_seq)`,
  );
  const rows = found.rows.flatMap(({ kind, a, b, v }) => (kind === null ? [] : [`${kind} ${a} ${b} ${v}`]));
  return { rows: rows.toSorted(), before: found.rows.map(({ kind, before }) => ({ kind, before })) };
}

function numbers(row: Record<string, string>): NetCounts {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])) as NetCounts;
}

function netHere(changes: readonly RowChange[]): string[] {
  const net = netRows(changes, [0, 1]);
  return netKinds.flatMap((kind) => net[kind].map((fields) => [kind, ...fields].join(' '))).toSorted();
}

const beforeOf = { insert: 'no', update: 'yes', delete: 'yes', upsert: 'unknown', deleteIfPresent: 'unknown' } as const;

/** Changes of some keys; the number of each makes it different from all others. */
const sequences = fc
  .array(
    fc.tuple(fc.constantFrom<Op[]>('I', 'U', 'D', 'R', 'A'), fc.constantFrom('1', '2', '3'), fc.constantFrom('x', 'y')),
    {
      minLength: 1,
      maxLength: 25,
    },
  )
  .map((changes) => changes.map(([op, a, b], at): RowChange => ({ op, fields: [a, b, String(at)] })));

describe('the net change of staged rows', () => {
  test('is that of few rows, for any sequence of changes', async () => {
    await fc.assert(
      fc.asyncProperty(sequences, async (changes) => {
        const here = netHere(changes);
        const { survey, fill } = await netOnServer(changes);
        expect(fill.rows).toEqual(here);
        for (const { kind, before } of fill.before) expect(before).toBe(kind === null ? 'no' : beforeOf[kind]);
        const hasSeveral = fill.counts.lines > fill.counts.keys;
        expect(survey).toEqual(hasSeveral ? fill : { ...fill, rows: [], before: [] });
        for (const kind of netKinds)
          expect(fill.counts[kind]).toBe(here.filter((row) => row.startsWith(`${kind} `)).length);
        expect(fill.counts).toMatchObject({ lines: changes.length, bad: 0 });
      }),
      { numRuns: 200 },
    );
  });

  test('follows from the op alone where a key has one change', async () => {
    for (const kind of netKinds) {
      const changes = [{ op: onlyOpOf[kind], fields: ['1', 'x', 'v'] }];
      expect(netHere(changes)).toEqual([`${kind} 1 x v`]);
      expect((await netOnServer(changes)).survey.counts).toMatchObject({ keys: 1, lines: 1, [kind]: 1 });
    }
  });

  test('counts the keys that have an op nobody knows', async () => {
    const changes = ['U', 'X', 'X'].map((op, at) => ({ op: op as Op, fields: [String(at), 'x', ''] }));
    expect((await netOnServer(changes)).fill.counts).toMatchObject({ keys: 3, bad: 2 });
  });
});
