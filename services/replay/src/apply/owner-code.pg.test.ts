// What the owner of a subscriber's table puts on it must not run with the rights of replay.
import { copyStageOf, grantToOwner, makeCopyStage, readTarget, subscriberChecks } from '@millrace/subscriber';
import { createDatabase, query, uniqueName } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { change, columns, insert, key, ways } from '../../test/apply-fixture.ts';
import { TestSubscriber, type TestSubscriberOptions } from '../../test/test-subscriber.ts';
import { mergeCopy } from '../copy/merge-copy.ts';
import { stageFieldsSql } from '../copy/plan-copy.ts';
import { layoutOf } from './plan/layout.ts';

const t = { schema: 'app', name: 't' };
const u = { schema: 'app', name: 'u' };

/** What code of an owner tries in order to get the rights of the session. */
const attempts = [
  'RESET ROLE',
  'SET ROLE REPLAY',
  'SET LOCAL ROLE NONE',
  'SET SESSION AUTHORIZATION REPLAY',
  'RESET SESSION AUTHORIZATION',
  "SELECT set_config('role', 'none', false)",
  "SELECT set_config('session_authorization', 'REPLAY', false)",
  'RESET ALL',
  'SET search_path = app, pg_catalog',
  "SET DateStyle = 'SQL, DMY'",
  'SET CONSTRAINTS ALL DEFERRED',
  'LISTEN other',
  'SELECT pg_advisory_lock(7)',
];

// What is seen of the roles is written by a function that everybody may call.
const setup = (owner: string, replay: string) => `
  CREATE SCHEMA app AUTHORIZATION ${owner};
  CREATE TABLE public.seen (what text, as_role text);
  GRANT INSERT, SELECT ON public.seen TO PUBLIC;
  SET ROLE ${owner};
  CREATE FUNCTION app.note(what text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO public.seen VALUES (what, current_user); RETURN true; END $$;
  CREATE FUNCTION app.fixed(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN PERFORM app.note(what); RETURN 1; END $$;
  CREATE FUNCTION app.attack() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE it text; BEGIN
    PERFORM app.note('trigger');
    FOREACH it IN ARRAY ARRAY[${attempts.map((sql) => `'${sql.replaceAll("'", "''").replaceAll('REPLAY', replay)}'`).join(', ')}] LOOP
      BEGIN EXECUTE it; EXCEPTION WHEN OTHERS THEN NULL; END;
      PERFORM app.note(it);
    END LOOP;
    RETURN NEW;
  END $$;
  CREATE DOMAIN app.word AS text CHECK (app.note('domain'));
  CREATE TABLE app.t (id int PRIMARY KEY, u app.word, v text, CHECK (app.note('check')),
    w int DEFAULT app.fixed('default'), x int GENERATED ALWAYS AS (app.fixed('generated' || id)) STORED);
  CREATE INDEX ON app.t (app.fixed('index' || v));
  CREATE INDEX ON app.t ((app.fixed('planned')));
  CREATE TRIGGER attack BEFORE INSERT OR UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.attack();
  ALTER TABLE app.t ENABLE ALWAYS TRIGGER attack;
  CREATE TRIGGER emptied BEFORE TRUNCATE ON app.t FOR EACH STATEMENT EXECUTE FUNCTION app.attack();
  ALTER TABLE app.t ENABLE ALWAYS TRIGGER emptied;
  CREATE TABLE app.u (id int PRIMARY KEY, u text, v date);
  CREATE TABLE app.d (id int);
  CREATE FUNCTION app.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM app.note('deferred'); RETURN NULL; END $$;
  GRANT ALL ON app.t, app.u TO ${replay}; GRANT USAGE ON SCHEMA app TO ${replay};
  RESET ROLE; TRUNCATE public.seen`;

describe.each([15, 18] as const)('code of the owner of a table, PostgreSQL %i', (major) => {
  let url = '';
  let owner = '';
  let replay = '';
  let opened: TestSubscriber[] = [];

  beforeEach(async () => {
    url = (await createDatabase({ major })).url;
    [owner, replay] = [uniqueName('owner'), uniqueName('replay')];
    await query(
      url,
      `CREATE ROLE ${owner}; CREATE ROLE ${replay} LOGIN; GRANT SET ON PARAMETER session_replication_role TO ${replay}`,
    );
    await query(url, setup(owner, replay));
  });

  afterEach(async () => {
    await Promise.all(opened.map((one) => one.close()));
    opened = [];
    await query(url, `DROP OWNED BY ${owner}, ${replay} CASCADE; DROP ROLE ${owner}; DROP ROLE ${replay}`);
  });

  async function open(options: TestSubscriberOptions): Promise<TestSubscriber> {
    const replayUrl = new URL(url);
    replayUrl.username = replay;
    const subscriber = await TestSubscriber.open(url, { ...options, replayUrl: replayUrl.href });
    opened.push(subscriber);
    await subscriber.tables(
      `GRANT ${owner} TO ${replay}; GRANT USAGE ON SCHEMA millrace TO ${replay}; GRANT ALL ON ALL TABLES IN SCHEMA millrace TO ${replay}`,
      t,
      u,
    );
    return subscriber;
  }

  /** What was seen of the roles; the reads of the test itself, as postgres, are none of it. */
  const roles = async (subscriber: TestSubscriber) =>
    (await subscriber.rows("SELECT DISTINCT as_role FROM public.seen WHERE as_role <> 'postgres'")).map(
      (row) => row['as_role'],
    );

  test.each(ways)(
    'runs as the owner, whatever it tries, and leaves the session as it was: %s',
    async (_way, options) => {
      const subscriber = await open(options);
      const toT = { table: t, columns, key };
      const batches = [
        [{ ...insert('1,a,x', '2,b,y'), ...toT }],
        [
          { ...change('(U,1,c,x,)', '(D,2,,,)'), ...toT },
          { ...insert('7,a,2026-02-01'), table: u },
        ],
        [
          { table: t, form: 'truncate' as const },
          { ...insert('3,a,x'), ...toT },
        ],
      ];
      for (const sections of batches) await subscriber.apply(sections);
      await subscriber.stream([{ ...insert('4,a,x', '5,b,y'), ...toT }], 5);
      expect(await subscriber.rows('SELECT id, u FROM app.t ORDER BY id')).toEqual([
        { id: 3, u: 'a' },
        { id: 4, u: 'a' },
        { id: 5, u: 'b' },
      ]);
      expect(await subscriber.rows('SELECT v::text FROM app.u')).toEqual([{ v: '2026-02-01' }]);
      expect(await roles(subscriber)).toEqual([owner]);
      const what = (await subscriber.rows('SELECT DISTINCT what FROM public.seen')).map((row) => String(row['what']));
      for (const one of ['trigger', 'domain', 'check', 'default', 'generated4', 'indexx', 'planned', 'RESET ROLE'])
        expect(what).toContain(one);
      const { rows } = await subscriber.session.client.query(
        `SELECT current_user AS role, current_setting('search_path') AS path, current_setting('DateStyle') AS dates,
         current_setting('session_replication_role') AS replica`,
      );
      expect(rows).toEqual([{ role: replay, path: 'pg_catalog, pg_temp', dates: 'ISO, YMD', replica: 'replica' }]);
    },
  );

  test.each([
    [
      'a prepared statement',
      "'DEALLOCATE ALL; PREPARE millrace_move AS SELECT app.note(''left'')'",
      'prepared statements',
    ],
    [
      'a prepared statement, and fails',
      "'DEALLOCATE ALL; PREPARE millrace_move AS SELECT app.note(''left''); SELECT 1/0'",
      '22012',
    ],
    ['a cursor', "'DECLARE c CURSOR WITH HOLD FOR SELECT app.note(''left'')'", 'cursors'],
    ['other temporary tables', "'DISCARD TEMP'", 'other temporary tables'],
    [
      'no barrier',
      "format('ALTER FUNCTION pg_temp.millrace_as_%s(text, boolean) SECURITY INVOKER', quote_ident(current_user)::regrole::oid)",
      'changed the function',
    ],
  ])('that leaves %s behind is refused, and nothing of it runs', async (_what, sql, message) => {
    const subscriber = await open({});
    await query(
      url,
      `CREATE OR REPLACE FUNCTION app.attack() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE one text; BEGIN
         FOREACH one IN ARRAY string_to_array(${sql}, '; ') LOOP EXECUTE one; END LOOP; RETURN NEW; END $$`,
    );
    const sections = [
      { table: t, form: 'truncate' as const },
      { ...insert('1,a,x'), table: t },
    ];
    for (let attempt = 0; attempt < 3; attempt++) await expect(subscriber.apply(sections)).rejects.toThrow(message);
    await query(url, 'ALTER TABLE app.t DISABLE TRIGGER USER');
    await subscriber.apply(sections);
    expect(await subscriber.rows("SELECT 1 FROM public.seen WHERE what = 'left'")).toEqual([]);
    expect(await roles(subscriber)).toEqual([owner]);
  });

  test('that defers a trigger to the commit does not run with the rights of replay', async () => {
    const subscriber = await open({});
    await query(
      url,
      `CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.d DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.later();
       ALTER TABLE app.d ENABLE ALWAYS TRIGGER later;
       CREATE OR REPLACE FUNCTION app.attack() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO app.d VALUES (1); RETURN NEW; END $$`,
    );
    const applying = subscriber.apply([{ ...insert('1,a,x'), table: t }]);
    if (major < 18) await expect(applying).rejects.toThrow('deferrable triggers');
    else await applying;
    expect(await subscriber.rows(`SELECT 1 FROM public.seen WHERE as_role NOT IN ('${owner}', 'postgres')`)).toEqual(
      [],
    );
  });

  test('that is put on a table between two batches runs as the owner in the next one', async () => {
    const subscriber = await open({});
    await subscriber.apply([{ ...insert('1,a,2026-01-01'), table: u }]);
    await query(
      url,
      `CREATE TRIGGER attack BEFORE INSERT ON app.u FOR EACH ROW EXECUTE FUNCTION app.attack();
       ALTER TABLE app.u ENABLE ALWAYS TRIGGER attack`,
    );
    const again = async () => subscriber.apply([{ ...insert('2,a,2026-01-01'), table: u }]);
    await again().catch(again);
    expect(await subscriber.rows('SELECT id FROM app.u ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await roles(subscriber)).toEqual([owner]);
  });

  test('is named by the doctor where replay may not act as the owner, with the grant that ends it', async () => {
    const subscriber = await open({});
    const { client } = subscriber.session;
    const findings = () => subscriberChecks.owners(client, [t, u], true);
    expect(await findings()).toEqual([]);
    await query(url, `REVOKE ${owner} FROM ${replay}`);
    const [found] = await findings();
    expect(found).toMatchObject({ level: 'warning', object: `role ${owner}` });
    for (const name of [
      'app.t: check t_check',
      'default of column w',
      'domain app.word',
      'generated column x',
      'index t_fixed_idx',
      'trigger attack',
    ])
      expect(found?.message).toContain(name);
    expect(found?.message).not.toContain('app.u');
    await query(url, found?.fix ?? '');
    expect(await findings()).toEqual([]);
    await subscriber.apply([{ ...insert('1,a,x'), table: t }]);
    expect(await roles(subscriber)).toEqual([owner]);
  });

  test('runs as the owner when a copy is merged', async () => {
    const { session } = await open({});
    const { client } = session;
    const target = await readTarget(client, t);
    if (target === undefined) throw new Error('no table');
    const layout = layoutOf(target, columns, []);
    await query(url, `GRANT ALL ON SCHEMA millrace TO ${replay} WITH GRANT OPTION`);
    await makeCopyStage(client, 'q', 1, stageFieldsSql(layout));
    const stage = copyStageOf('q', 1);
    await client.query(`INSERT INTO ${stage} VALUES (1, 'a', 'x'), (2, 'b', 'y')`);
    await client.query('BEGIN');
    await grantToOwner(client, target, 'SELECT', stage);
    expect(await mergeCopy(session, { layout, stage })).toBe(2);
    await client.query('COMMIT');
    expect(await query(url, 'SELECT DISTINCT as_role FROM public.seen')).toEqual([{ as_role: owner }]);
  });
});
