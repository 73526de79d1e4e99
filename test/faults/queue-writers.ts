import type { PgClient } from '@millrace/postgres';
import { pause } from '../harness/pause.ts';
import type { Random } from '../harness/random.ts';

export interface Written {
  /** Data of the events whose transactions were committed. */
  readonly committed: ReadonlySet<string>;
  /** How many events were taken back. */
  readonly undone: number;
}

export interface WriterPlan {
  readonly name: string;
  readonly random: Random;
  /** When to stop, in performance.now(). */
  readonly until: number;
}

/** One transaction after the other, each held open for a while, in one of several manners. */
export async function write(client: PgClient, { name, random, until }: WriterPlan): Promise<Written> {
  const committed = new Set<string>();
  let undone = 0;
  for (let n = 0; performance.now() < until; n += 1) {
    const repeatable = random.chance(0.3);
    await client.query(repeatable ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN');
    // A snapshot from before the pause: a rotation may come between it and the event.
    if (repeatable) await client.query('SELECT 1 FROM pgq.queue');
    if (random.chance(0.3)) await pause(random.int(0, 1_500));
    const put: string[] = [];
    for (let i = random.int(1, 4); i > 0; i -= 1) {
      const data = `${name}.${n}.${i}`;
      if (random.chance(0.2)) {
        await client.query('SAVEPOINT s');
        await put1(client, random, `${data}.undone`);
        await client.query('ROLLBACK TO s');
        undone += 1;
      }
      const inSavepoint = random.chance(0.3);
      if (inSavepoint) await client.query('SAVEPOINT s');
      await put1(client, random, data);
      if (inSavepoint) await client.query('RELEASE s');
      put.push(data);
    }
    if (random.chance(0.5)) await pause(random.chance(0.1) ? random.int(0, 4_000) : random.int(0, 800));
    if (random.chance(0.2)) {
      await client.query('ROLLBACK');
      undone += put.length;
    } else {
      await client.query('COMMIT');
      for (const data of put) committed.add(data);
    }
  }
  return { committed, undone };
}

/** By the function, or straight into the event table as COPY does. */
async function put1(client: PgClient, random: Random, data: string): Promise<void> {
  if (random.chance(0.8)) {
    await client.query(`SELECT pgq.insert_event('stress', 't', $1)`, [data]);
    return;
  }
  const { rows } = await client.query<{ name: string }>(`SELECT pgq.current_event_table('stress') AS name`);
  await client.query(`INSERT INTO ${rows[0]?.name} (ev_time, ev_type, ev_data) VALUES (now(), 't', $1)`, [data]);
}
