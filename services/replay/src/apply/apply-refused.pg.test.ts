import { verdictOf } from '@millrace/errors';
import { query } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { change, insert, t, useSubscribers, ways } from '../../test/apply-fixture.ts';

const subscribers = useSubscribers();

describe.each(ways)('what the subscriber lacks is named when changes come %s', (_way, options) => {
  type Case = { what: string; sql: string; code: string; message: RegExp; repair: string };
  const cases: Case[] = (
    [
      [
        'a column',
        'CREATE TABLE t (id int PRIMARY KEY, u text)',
        'subscriber-schema',
        /table public\.t .* lacks column "v"/,
        'ALTER TABLE t ADD v text',
      ],
      [
        'the table',
        'SELECT 1',
        'subscriber-schema',
        /table public\.t is missing/,
        'CREATE TABLE t (id int PRIMARY KEY, u text, v text)',
      ],
      [
        'the key',
        'CREATE TABLE t (id int, u text, v text)',
        'subscriber-schema',
        /no primary key or unique index on \("id"\)/,
        'ALTER TABLE t ADD PRIMARY KEY (id)',
      ],
      [
        'space for a value',
        'CREATE TABLE t (id int PRIMARY KEY, u varchar(1), v text)',
        'bad-value',
        /table public\.t/,
        'ALTER TABLE t ALTER u TYPE text',
      ],
      [
        'a type for a value',
        'CREATE TABLE t (id int PRIMARY KEY, u int, v text)',
        'bad-value',
        /table public\.t/,
        'ALTER TABLE t ALTER u TYPE text',
      ],
      [
        'leave by a check',
        "CREATE TABLE t (id int PRIMARY KEY, u text, v text, CONSTRAINT small CHECK (u <> 'secret'))",
        'constraint',
        /table public\.t: the check constraint "small"/,
        'ALTER TABLE t DROP CONSTRAINT small',
      ],
      [
        'a default for an extra column',
        'CREATE TABLE t (id int PRIMARY KEY, u text, v text, x int NOT NULL)',
        'constraint',
        /column "x"/,
        'ALTER TABLE t ALTER x SET DEFAULT 1',
      ],
      [
        'a free unique value',
        "CREATE TABLE t (id int PRIMARY KEY, u text CONSTRAINT lonely UNIQUE, v text); INSERT INTO t VALUES (8, 'secret', '')",
        'constraint',
        /unique constraint "lonely"/,
        'DELETE FROM t',
      ],
      [
        'a plain column',
        'CREATE TABLE t (id int PRIMARY KEY, u text, v text GENERATED ALWAYS AS (lower(u)) STORED)',
        'subscriber-schema',
        /column "v" of table public\.t is generated at the subscriber and not at the provider/,
        'ALTER TABLE t ALTER v DROP EXPRESSION',
      ],
      [
        'sight of all rows',
        'CREATE TABLE t (id int PRIMARY KEY, u text, v text); ALTER TABLE t ENABLE ROW LEVEL SECURITY',
        'subscriber-schema',
        /row security/,
        'ALTER TABLE t DISABLE ROW LEVEL SECURITY',
      ],
    ] as [string, string, string, RegExp, string][]
  ).map(([what, sql, code, message, repair]) => ({ what, sql, code, message, repair }));

  test.each(cases)('$what', async ({ sql, code, message, repair }) => {
    const role = `r_${subscribers.url.split('/').at(-1)}_${options.maxFewRows > 0 ? 'a' : 'b'}`;
    await query(
      subscribers.url,
      `CREATE ROLE ${role} LOGIN; GRANT CREATE ON DATABASE ${new URL(subscribers.url).pathname.slice(1)} TO ${role}; GRANT SET ON PARAMETER session_replication_role TO ${role}`,
    );
    const replayUrl = new URL(subscribers.url);
    replayUrl.username = role;
    const subscriber = await subscribers.open({ ...options, replayUrl: replayUrl.href });
    await subscriber.tables(
      `${sql}; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${role}; GRANT USAGE ON SCHEMA millrace, public TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA millrace, public TO ${role}`,
      t,
    );
    const sections = [change('(I,1,secret,x,)')];
    for (let attempt = 0; attempt < 2; attempt++) {
      const error: Error = await subscriber.apply(sections).then(
        () => new Error('applied'),
        (failure) => failure,
      );
      expect(error).toMatchObject({ code });
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('secret');
    }
    await subscriber.client.query(repair);
    await subscriber.apply(sections);
    expect(await subscriber.rows('SELECT id, u FROM t WHERE id = 1')).toEqual([{ id: 1, u: 'secret' }]);
    await subscriber.client.query(`REVOKE ALL ON t FROM ${role}`);
    await expect(subscriber.apply([change('(U,1,b,x,)')])).rejects.toMatchObject({
      code: 'permission',
      message: expect.stringMatching(/table public\.t/),
    });
    await subscriber.client.query(`GRANT ALL ON t TO ${role}`);
    await subscriber.apply([change('(U,1,b,x,)')]);
    await subscriber.client.query(`ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM ${role}; DROP OWNED BY ${role}`);
  });
});

test.each(ways)(
  'a column made wider is used immediately, not as it was when the session first read it: %s',
  async (_way, options) => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u numeric(10,1), v timestamp(0))', t);
    await subscriber.apply([change('(I,1,1.5,2020-01-01 00:00:00,)')]);
    await query(subscribers.url, 'ALTER TABLE t ALTER u TYPE numeric(12,3), ALTER v TYPE timestamp(6)');
    await subscriber.apply([change('(U,1,1.125,2020-01-01 00:00:00.25,)')]);
    expect(await subscriber.rows('SELECT u::text, v::text FROM t')).toEqual([
      { u: '1.125', v: '2020-01-01 00:00:00.25' },
    ]);
  },
);

const raised = ['23514', '42501', '42601', '42P01', '22023', 'P0001', '57014', '08006', 'ZZ999'];

test.each(ways)('no error repeats a value that a function raises, under any SQLSTATE: %s', async (_way, options) => {
  const subscriber = await subscribers.open(options);
  await subscriber.tables(
    `CREATE TABLE t (id int PRIMARY KEY, u text, v text);
     CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE EXCEPTION 'value %', NEW.u USING ERRCODE = NEW.v, DETAIL = NEW.u, HINT = NEW.u, CONSTRAINT = NEW.u,
         COLUMN = NEW.u, TABLE = NEW.u, SCHEMA = NEW.u, DATATYPE = NEW.u;
     END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
     ALTER TABLE t ENABLE ALWAYS TRIGGER refuse;
     CREATE TABLE c (id int PRIMARY KEY, u text, v text, CHECK (u::regclass IS NOT NULL));`,
    t,
    { ...t, name: 'c' },
  );
  for (const state of raised) {
    const error = await subscriber.apply([insert(`1,SECRET,${state}`)]).catch((reason: unknown) => reason);
    expect(verdictOf(error).sentence).not.toContain('SECRET');
    expect(verdictOf(error).sentence).toContain(`SQLSTATE ${state}`);
    expect(verdictOf(error).sentence).toContain('public.t');
  }
  const refused = await subscriber.apply([{ ...insert('1,SECRET,x'), table: { ...t, name: 'c' } }]).catch((e) => e);
  expect(verdictOf(refused).sentence).toContain('public.c at the subscriber does not fit: undefined_table');
  expect(verdictOf(refused).sentence).not.toContain('SECRET');
});
