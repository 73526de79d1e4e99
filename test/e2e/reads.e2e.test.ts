// A token taken at the provider, waited for at subscribers that real services fill.

import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PgClient } from '@millrace/postgres';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Database, sqlstate } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { Random } from '../harness/random.ts';
import type { Site } from '../harness/site.ts';
import { projectRoot } from '../harness/standing.ts';

let ground: Ground;
let site: Site;
let eu: Database;
let us: Database;

const token = (at: Database = site.provider) => at.value('SELECT millrace.token()');
const arrives = (at: Database, text: string, timeout = '20s') =>
  at.value<boolean>('SELECT millrace.wait_for($1, $2)', [text, timeout]);
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );

beforeAll(async () => {
  ground = await Ground.start({ name: 'reads', servers: { a: { major: 15 }, b: { major: 18 } } });
  site = await ground.site({ name: 'reads', provider: 'a', subscribers: { eu: 'b', us: 'a' } });
  eu = site.subscriber('eu');
  us = site.subscriber('us');
  await site.everywhere(
    'CREATE TABLE public.entry (id int PRIMARY KEY, version int NOT NULL); CREATE TABLE public.other (id serial, x int)',
  );
  await site.begin({ tables: ['public.entry'] });
});

afterAll(async () => {
  await ground?.stop();
});

/** The blocks of SQL in docs/reads.md, each as its statements. */
function documented(): string[][] {
  const text = readFileSync(join(projectRoot, 'docs', 'reads.md'), 'utf8');
  const blocks = [...text.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks.map((block) =>
    block
      .split(';')
      .map((sql) => sql.trim())
      .filter((sql) => sql !== ''),
  );
}

test('the statements of the document do what it says', async () => {
  await site.everywhere('CREATE SCHEMA docs; CREATE TABLE docs.entry (id serial PRIMARY KEY, item text)');
  await site.millrace('add', 'docs.entry');
  const [[write, ask], [wait, read]] = documented() as [[string, string], [string, string]];
  const settings = { search_path: 'docs' };
  const text = await site.provider.within(async (session) => {
    await session.query(write);
    return (await session.query<{ token: string }>(ask)).rows[0]?.token ?? '';
  }, settings);
  await us.within(async (session) => {
    await waitFor('the wait is over', async () => (await session.query(wait.replace('TOKEN', text))).rows[0].wait_for);
    expect((await session.query(read)).rows).toEqual([{ item: 'mine' }]);
  }, settings);
});

test('what a session has written it reads at every subscriber after waiting for its token', async () => {
  for (let id = 1; id <= 5; id += 1) {
    await site.provider.run('INSERT INTO public.entry VALUES ($1, 1)', [id]);
    const text = await token();
    for (const at of [eu, us]) {
      expect(await arrives(at, text)).toBe(true);
      expect(Number(await at.value('SELECT count(*) FROM public.entry WHERE id = $1', [id]))).toBe(1);
    }
  }
});

test('the command line takes a token and waits for it, and says who is behind', async () => {
  const text = (await site.millrace('token')).stdout.trim();
  await site.millrace('wait-for', text, '--timeout', '20s');
  const { code, stdout } = await site.command(['wait-for', 'mr1.x', '--subscriber', 'eu', '--json']);
  expect([code, JSON.parse(stdout).error.code]).toEqual([2, 'usage']);
  await us.run(`UPDATE millrace.subscribed_table SET state = 'copying' WHERE table_name = 'entry'`);
  const late = await site.command(['wait-for', text, '--timeout', '0s', '--json']);
  await us.run(`UPDATE millrace.subscribed_table SET state = 'ok' WHERE table_name = 'entry'`);
  expect([late.code, JSON.parse(late.stdout).error.code]).toEqual([1, 'timeout']);
  expect(late.stderr).toMatch(/^millrace: subscriber us: .*public\.entry is copying/);
});

test('a token taken inside the transaction stands for that transaction, and is reached after its commit', async () => {
  await site.provider.within(async (session) => {
    await session.query('BEGIN');
    await session.query('INSERT INTO public.entry VALUES (100, 1)');
    const { rows } = await session.query<{ token: string }>('SELECT millrace.token()');
    const text = rows[0]?.token ?? '';
    // What others commit meanwhile comes over; the token is still not reached.
    await site.provider.run('INSERT INTO public.entry VALUES (101, 1)');
    expect(await arrives(eu, await token())).toBe(true);
    expect(await arrives(eu, text, '0')).toBe(false);
    await session.query('COMMIT');
    expect(await arrives(eu, text)).toBe(true);
    expect(await eu.value('SELECT version FROM public.entry WHERE id = 100')).toBe(1);
  });
});

test('long transactions of others, replicated or not, do not hold a token up', async () => {
  await site.provider.within(async (slow) => {
    await slow.query('BEGIN');
    await slow.query('INSERT INTO public.entry VALUES (200, 1)');
    await site.provider.run('INSERT INTO public.other (x) VALUES (1)');
    await site.provider.run('INSERT INTO public.entry VALUES (201, 1)');
    await site.provider.run('INSERT INTO public.other (x) VALUES (1)');
    expect(await arrives(eu, await token())).toBe(true);
    await slow.query('ROLLBACK');
  });
});

test('where nothing was written since the last tick there is nothing to wait for', async () => {
  await arrives(eu, await token());
  await site.provider.run('INSERT INTO public.other (x) VALUES (2)');
  expect(await arrives(eu, await token(), '0')).toBe(true);
});

test('a paused subscriber lets the wait end, and says which queue lacks what', async () => {
  await site.millrace('pause', 'eu');
  await waitFor(
    'eu is paused',
    async () => (await site.status()).subscribers.find((s) => s.name === 'eu')?.state === 'paused',
  );
  await site.provider.run('INSERT INTO public.entry VALUES (300, 1)');
  const text = await token();
  await eu.within(async (session) => {
    const notices: string[] = [];
    session.on('notice', (notice) => notices.push(notice.message ?? ''));
    const { rows } = await session.query('SELECT millrace.wait_for($1, $2) AS there', [text, '200ms']);
    expect(rows).toEqual([{ there: false }]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/^not applied within 00:00:00.2: queue reads is at tick \d+, applied .* ago, paused$/);
  });
  expect(await arrives(us, text)).toBe(true);
  await site.millrace('resume', 'eu');
  expect(await arrives(eu, text)).toBe(true);
});

test('a REPEATABLE READ transaction is reported that it will not see it, unless it sees it already', async () => {
  const early = await token();
  await eu.within(async (session) => {
    await arrives(eu, early);
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    expect((await session.query('SELECT millrace.wait_for($1) AS there', [early])).rows).toEqual([{ there: true }]);
    await site.provider.run('INSERT INTO public.entry VALUES (400, 1)');
    const late = await token();
    expect(await arrives(eu, late)).toBe(true);
    const error = await errorOf(session.query('SELECT millrace.wait_for($1)', [late]));
    expect(sqlstate(error)).toBe('MR003');
    expect(error?.message).toContain('REPEATABLE READ');
    await session.query('ROLLBACK');
  });
});

test('a table on its way keeps the wait from ending, unless the reader names the tables it reads', async () => {
  await site.everywhere('CREATE TABLE public.late (id int PRIMARY KEY)');
  await site.millrace('add', 'public.late', '--subscriber', 'eu');
  const text = await token();
  await waitFor('the copy is in', () => arrives(eu, text, '0'), { timeoutMs: 30_000 });
  const stray = await errorOf(eu.value('SELECT millrace.wait_for($1, $2, $3)', [text, '0', '{public.other}']));
  expect(sqlstate(stray)).toBe('MR001');
  await eu.run(`UPDATE millrace.subscribed_table SET state = 'copying' WHERE table_name = 'late'`);
  expect(await arrives(eu, text, '0')).toBe(false);
  expect(await eu.value('SELECT millrace.wait_for($1, $2, $3)', [text, '0', '{public.entry}'])).toBe(true);
  await eu.run(`UPDATE millrace.subscribed_table SET state = 'ok' WHERE table_name = 'late'`);
});

test('damaged tokens, tokens of elsewhere and of a lost history are refused with the reason', async () => {
  const text = await token();
  const changed = (change: (inner: { p: string; l: number; q: { t: number; f: string; q: string }[] }) => void) => {
    const inner = JSON.parse(Buffer.from(text.slice(4), 'base64url').toString());
    change(inner);
    return `mr1.${Buffer.from(JSON.stringify(inner)).toString('base64url')}`;
  };
  const state = async (bad: string) => sqlstate(await errorOf(arrives(eu, bad, '0')));
  for (const bad of [
    '',
    'x',
    'mr1.',
    'mr1.####',
    `${text}A`,
    text.slice(0, 30),
    text.replace('mr1', 'mr2'),
    'mr1.bnVsbA',
  ]) {
    expect([bad, await state(bad)]).toEqual([bad, '22023']);
  }
  expect(await state(changed((inner) => (inner.p = '12')))).toBe('MR004');
  expect(await state(changed((inner) => (inner.l = 0)))).toBe('MR004');
  expect(await state(changed((inner) => (inner.q = [{ q: 'elsewhere', t: 1, f: '' }])))).toBe('MR001');
  expect(sqlstate(await errorOf(eu.value('SELECT millrace.wait_for(NULL)')))).toBe('22023');
  // A history that the subscriber has not seen yet does not come: a wait for it ends at its timeout.
  const ahead = changed((inner) => Object.assign(inner, { l: 9, q: [{ q: 'reads', t: 1, f: '' }] }));
  expect(await arrives(eu, ahead, '0')).toBe(false);
});

test('any role may ask and wait, and sees nothing else of it', async () => {
  await site.provider.run('CREATE ROLE reads_app LOGIN');
  const asApp = (url: string) => Object.assign(new URL(url), { username: 'reads_app' }).href;
  await eu.run('CREATE ROLE reads_app LOGIN');
  const [writer, reader] = [new Database(asApp(site.provider.url)), new Database(asApp(eu.url))];
  try {
    expect(await arrives(reader, await token(writer))).toBe(true);
    expect(sqlstate(await errorOf(reader.rows('SELECT * FROM millrace.position')))).toBe('42501');
    expect(sqlstate(await errorOf(reader.rows(`SELECT millrace.token_lack('{}', NULL)`)))).toBe('42501');
  } finally {
    await writer.close();
    await reader.close();
  }
});

test('admin tells a load balancer who is fresh enough, and why one is not', async () => {
  site.service('admin').start();
  const ask = async (path: string) => {
    const answer = await fetch(`${(await site.runs('admin')).url}${path}`);
    return { code: answer.status, body: (await answer.json()) as { fresh: boolean; reasons: string[] } };
  };
  await waitFor('both are fresh', async () => {
    const { body } = await ask('/replicas?max_lag_ms=2000');
    const { replicas } = body as unknown as { replicas: { name: string; fresh: boolean }[] };
    return replicas.length === 2 && replicas.every(({ fresh }) => fresh);
  });
  expect((await ask('/replicas/eu/ready?max_lag_ms=2000')).code).toBe(200);
  expect((await ask('/replicas/nobody/ready')).code).toBe(404);
  expect((await ask('/replicas/eu/ready?max_lag=1')).code).toBe(400);
  // Stopped without a word: what it lacks is seen in its database.
  await site.service('replay eu').kill();
  await site.provider.run('INSERT INTO public.entry VALUES (500, 1)');
  const stale = await waitFor('eu is not fresh', async () => {
    const found = await ask('/replicas/eu/ready?max_lag_ms=200');
    return found.code === 503 && found;
  });
  expect(stale.body.reasons[0]).toMatch(/^it lacks changes of \d+ ms ago$/);
  expect((await ask('/replicas/us/ready?max_lag_ms=2000')).code).toBe(200);
  site.service('replay eu').start();
  // The replay's own word, for a host that has nothing else.
  await waitFor('it says that it is fresh', async () => {
    const { url } = await site.runs('replay-eu');
    return (await fetch(`${url}/ready?max_lag_ms=1500`)).status === 200;
  });
  await site.service('ticker').stop();
  await waitFor('it does not know any more', async () => {
    const { url } = await site.runs('replay-eu');
    return (await fetch(`${url}/ready?max_lag_ms=1500`)).status === 503;
  });
  site.service('ticker').start();
  await waitFor('eu is fresh again', async () => (await ask('/replicas/eu/ready?max_lag_ms=2000')).code === 200);
  await site.service('admin').stop();
});

const versions = 'SELECT id, version FROM public.entry WHERE id > 1000';
const touchOne = `UPDATE public.entry SET version = version + 1 WHERE id =
  (SELECT id FROM public.entry WHERE id > 1000 ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)`;

interface Sight {
  readonly token: string;
  readonly rows: readonly { readonly id: number; readonly version: number }[];
}

/** What the session sees, then a token for it. */
async function look(session: PgClient): Promise<Sight> {
  const { rows } = await session.query(versions);
  return { rows, token: (await session.query('SELECT millrace.token() AS token')).rows[0].token };
}

/** One transaction of any kind; gives what it saw before its end or, half of the time, after it. */
async function transact(session: PgClient, dice: Random): Promise<Sight> {
  await session.query('BEGIN');
  for (let n = dice.int(0, 2); n > 0; n -= 1) {
    await session.query('SAVEPOINT s');
    await session.query(touchOne);
    if (dice.chance(0.3)) await session.query('ROLLBACK TO s');
  }
  if (dice.chance(0.4)) await session.query('INSERT INTO public.other (x) VALUES (1)');
  if (dice.chance(0.2)) await session.query('SELECT pg_sleep(0.03)');
  const inside = dice.chance(0.5) ? await look(session) : undefined;
  const commits = dice.chance(0.8);
  await session.query(commits ? 'COMMIT' : 'ROLLBACK');
  return inside !== undefined && commits ? inside : look(session);
}

/** Rows that a subscriber shows older than they were seen, once it has waited for the token. */
async function oldRows(replica: PgClient, seen: Sight): Promise<string[]> {
  const waited = await replica.query(`SELECT millrace.wait_for($1, '20s') AS there`, [seen.token]);
  if (!waited.rows[0].there) return ['not there within 20 s'];
  const found = new Map((await replica.query(versions)).rows.map((row) => [row.id, row.version]));
  return seen.rows.filter(({ id, version }) => !(found.get(id) >= version)).map(({ id }) => `row ${id} is old`);
}

const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1e9);
test(`random concurrent transactions: all that a session saw before its token is there after the wait (seed ${seed})`, async () => {
  await site.provider.run('INSERT INTO public.entry SELECT 1000 + n, 0 FROM generate_series(1, 20) n');
  const play = async (n: number) => {
    const dice = new Random(seed + n);
    const wrong: string[] = [];
    const settings = n % 2 === 0 ? {} : { synchronous_commit: 'off' };
    await (n % 3 === 0 ? eu : us).within(async (replica) => {
      const rounds = async (session: PgClient) => {
        for (let round = 0; round < 60; round += 1)
          wrong.push(...(await oldRows(replica, await transact(session, dice))));
      };
      await site.provider.within(rounds, settings);
    });
    return wrong;
  };
  expect((await Promise.all([1, 2, 3, 4, 5, 6].map(play))).flat()).toEqual([]);
});

test('a token that named the newest tick alone would be found out', async () => {
  const bare = (text: string) => {
    const inner = JSON.parse(Buffer.from(text.slice(4), 'base64url').toString());
    for (const part of inner.q) delete part.s;
    return `mr1.${Buffer.from(JSON.stringify(inner)).toString('base64url')}`;
  };
  await arrives(eu, await token());
  await site.service('replay eu').stop();
  const seen = await site.provider.within(async (session) => {
    // Between two ticks, as at any time under load: the ticker rests.
    await session.query(`SELECT pgq.set_queue_config('reads', 'ticker_paused', 'true')`);
    await session.query('UPDATE public.entry SET version = version + 1 WHERE id > 1000');
    return look(session);
  });
  await eu.within(async (replica) => {
    expect(await oldRows(replica, { ...seen, token: bare(seen.token) })).toHaveLength(20);
    await site.provider.run(`SELECT pgq.set_queue_config('reads', 'ticker_paused', 'false')`);
    site.service('replay eu').start();
    expect(await oldRows(replica, seen)).toEqual([]);
  });
});

test('after a promotion of the provider older tokens are refused, newer ones are reached', async () => {
  const old = await token();
  const inside = await site.provider.within(async (session) => {
    await session.query('BEGIN');
    await session.query('INSERT INTO public.entry VALUES (600, 1)');
    return (await session.query<{ token: string }>('SELECT millrace.token()')).rows[0]?.token ?? '';
  });
  const server = ground.server('a');
  await server.stop();
  const signal = join(server.dir, 'data', 'standby.signal');
  writeFileSync(signal, '');
  const { uid, gid } = statSync(join(server.dir, 'data', 'PG_VERSION'));
  chownSync(signal, uid, gid);
  await server.start();
  const standby = await errorOf(
    waitFor('it answers', () => site.provider.value('SELECT pg_is_in_recovery()')).then(() => token()),
  );
  expect(sqlstate(standby)).toBe('MR003');
  await site.provider.run('SELECT pg_promote()');
  await site.provider.run('INSERT INTO public.entry VALUES (601, 1)');
  const next = await token();
  expect(await waitFor('it is there', () => arrives(eu, next), { timeoutMs: 60_000 })).toBe(true);
  for (const text of [old, inside]) expect(sqlstate(await errorOf(arrives(eu, text, '0')))).toBe('MR004');
});
