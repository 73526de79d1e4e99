import type { PgClient } from '@millrace/postgres';
import type { Random } from '../random.ts';
import { hostileValues } from './hostile-values.ts';

/** One transaction being made. `keyRange` is the client's number: keys of different clients never meet. */
export interface Work {
  readonly client: PgClient;
  readonly txno: number;
  readonly keyRange: number;
  readonly random: Random;
}

type Body = (work: Work) => Promise<void>;

/** What the clients do, by name. Every statement is legal and must succeed unless a server dies. */
export const bodies = {
  transfer,
  group,
  pkmove,
  kinds,
  job,
  upsert,
  savepoints,
  bulk,
  side,
} as const satisfies Record<string, Body>;

export type BodyName = keyof typeof bodies;

async function transfer({ client, txno, random }: Work): Promise<void> {
  const src = random.int(1, 40);
  const dst = 1 + ((src + random.int(0, 38)) % 40);
  const amount = random.int(1, 99);
  // In the order of their keys, so that two transfers never wait for each other in a circle.
  for (const id of [src, dst].sort((a, b) => a - b)) {
    const delta = id === src ? -amount : amount;
    await client.query('UPDATE public.account SET balance = balance + $2, ver = ver + 1 WHERE id = $1', [id, delta]);
  }
  await client.query('INSERT INTO public.transfer VALUES ($1, $2, $3, $4)', [txno, src, dst, amount]);
}

async function group({ client, txno, keyRange, random }: Work): Promise<void> {
  const k = random.int(1, 50);
  for (const [at, table] of ['group_a', 'group_b', 'group_c'].entries()) {
    await client.query(
      `INSERT INTO public.${table} SELECT $1, i, $2 FROM generate_series(1, $2::int) i WHERE i % 3 = $3`,
      [txno, k, at],
    );
  }
  // Groups go as they came, whole; the reader's query stays cheap.
  const oldest = keyRangeStart(keyRange) + Math.max(0, txno - keyRangeStart(keyRange) - 300);
  for (const table of ['group_c', 'group_a', 'group_b']) {
    await client.query(`DELETE FROM public.${table} WHERE txno >= $1 AND txno < $2`, [keyRangeStart(keyRange), oldest]);
  }
}

async function pkmove({ client, keyRange, random }: Work): Promise<void> {
  const base = keyRange * 100_000;
  const id = base + random.int(0, 19);
  const other = base + random.int(0, 19);
  const range = [base, base + 49_999];
  switch (random.int(0, 5)) {
    case 0:
      await client.query(
        `INSERT INTO public.pkmove SELECT i, 'code ' || i, NULL FROM generate_series($1::int, $2::int) i
         WHERE NOT EXISTS (SELECT FROM public.pkmove p WHERE p.id = i OR p.code = 'code ' || i)`,
        [base, base + 19],
      );
      return;
    case 1: {
      // The same unique value goes from row to row within one transaction.
      const gone = await client.query('DELETE FROM public.pkmove WHERE id = $1 RETURNING code', [id]);
      const code = (gone.rows[0] as { code: string } | undefined)?.code;
      if (code === undefined) return;
      await client.query('INSERT INTO public.pkmove VALUES ($1, $2, $3)', [id, code, `again ${random.int(0, 999)}`]);
      return;
    }
    case 2:
      if (id !== other) await swapCodes(client, id, other);
      return;
    case 3:
      await client.query('UPDATE public.pkmove SET id = id + 50000 WHERE id BETWEEN $1 AND $2', range);
      await client.query('UPDATE public.pkmove SET id = id - 50000 WHERE id BETWEEN $1 + 50000 AND $2 + 50000', range);
      return;
    case 4:
      if (id !== other) await swapKeys(client, id, other);
      return;
    default:
      await client.query("UPDATE public.pkmove SET note = coalesce(note, '') || '.' WHERE id BETWEEN $1 AND $2", range);
      await client.query(
        'UPDATE public.pkmove SET note = NULL WHERE length(note) > 20 AND id BETWEEN $1 AND $2',
        range,
      );
  }
}

async function swapCodes(client: PgClient, id: number, other: number): Promise<void> {
  const found = await client.query('SELECT id, code FROM public.pkmove WHERE id IN ($1, $2) ORDER BY id', [id, other]);
  const [a, b] = found.rows as { id: number; code: string }[];
  if (a === undefined || b === undefined) return;
  const set = 'UPDATE public.pkmove SET code = $2 WHERE id = $1';
  await client.query(set, [a.id, `parked ${a.id}`]);
  await client.query(set, [b.id, a.code]);
  await client.query(set, [a.id, b.code]);
}

async function swapKeys(client: PgClient, id: number, other: number): Promise<void> {
  const parked = id + 70_000;
  const move = 'UPDATE public.pkmove SET id = $2 WHERE id = $1';
  await client.query(move, [id, parked]);
  await client.query(move, [other, id]);
  await client.query(move, [parked, other]);
}

async function kinds({ client, txno, keyRange, random }: Work): Promise<void> {
  const columns = Object.keys(hostileValues).filter(() => random.chance(0.4));
  if (columns.length === 0) columns.push('c_text');
  const values = columns.map((column) => (random.chance(0.15) ? null : random.pick(hostileValues[column] ?? [''])));
  const id = keyRangeStart(keyRange) + random.int(0, 30);
  const names = columns.join(', ');
  const places = columns.map((_, at) => `$${at + 2}`).join(', ');
  const sets = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  await client.query(
    `INSERT INTO public.kinds (id, ${names}) VALUES ($1, ${places}) ON CONFLICT (id) DO UPDATE SET ${sets}`,
    [id, ...values],
  );
  if (txno % 7 === 0)
    await client.query('DELETE FROM public.kinds WHERE id = $1', [keyRangeStart(keyRange) + random.int(0, 30)]);
}

async function job({ client, keyRange, random }: Work): Promise<void> {
  const id = keyRangeStart(keyRange) + random.int(0, 20);
  const state = random.pick(['NEW', 'Fixed', 'KEPT', 'done']);
  switch (random.int(0, 3)) {
    case 0:
      await client.query('INSERT INTO public.job (id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING', [id, state]);
      return;
    case 1:
      await client.query('UPDATE public.job SET state = $2, runs = 0 WHERE id BETWEEN $1 AND $1 + 4 AND id < $3', [
        id,
        state,
        keyRangeStart(keyRange + 1),
      ]);
      return;
    case 2:
      await client.query('DELETE FROM public.job WHERE id = $1', [id]);
      return;
    default:
      await client.query(
        `WITH gone AS (DELETE FROM public.job WHERE id = $1 RETURNING id, state)
         INSERT INTO public.job_history (job, state, runs) SELECT id, state, -1 FROM gone`,
        [id],
      );
  }
}

async function upsert({ client, random }: Work): Promise<void> {
  await client.query(
    'INSERT INTO public.counter VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = counter.n + excluded.n',
    [`c${random.int(1, 5)}`],
  );
}

async function savepoints({ client, txno, random }: Work): Promise<void> {
  for (let at = 0; at < 3; at += 1) {
    await client.query('SAVEPOINT here');
    await client.query('INSERT INTO public.log (txno, payload) VALUES ($1, $2)', [txno, 'never']);
    if (random.chance(0.5)) await client.query('TRUNCATE public.counter');
    await client.query('ROLLBACK TO SAVEPOINT here');
  }
}

async function bulk({ client, keyRange, random }: Work): Promise<void> {
  const from = keyRangeStart(keyRange) + random.int(0, 9) * 1000;
  await client.query('DELETE FROM public.bulk WHERE id >= $1 AND id < $2', [from, from + 1000]);
  await client.query(
    'INSERT INTO public.bulk SELECT i, repeat($3, (i % 40)::int), 0 FROM generate_series($1::bigint, $2::bigint) i',
    [from, from + random.int(1, 1000) - 1, '"\\'],
  );
  await client.query('UPDATE public.bulk SET n = n + 1 WHERE id >= $1 AND id < $2 AND id % 2 = 0', [from, from + 1000]);
}

async function side({ client, txno, random }: Work): Promise<void> {
  if (random.chance(0.3)) await client.query('TRUNCATE public.side');
  await client.query('INSERT INTO public.side SELECT $1::bigint * 100 + i, $2 FROM generate_series(0, 9) i', [
    txno,
    'before',
  ]);
  if (random.chance(0.3)) {
    await client.query('TRUNCATE public.side');
    await client.query('INSERT INTO public.side VALUES ($1, $2)', [txno * 100, 'after']);
  }
}

/** The first transaction number of a key range. */
export function keyRangeStart(keyRange: number): number {
  return keyRange * 10_000_000;
}
