import { codes, type MillraceError } from '@millrace/errors';
import { eventually } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { captureFixture } from '../../test/capture-fixture.ts';
import { value } from '../../test/owned-database.ts';
import { queue } from '../../test/queue-fixture.ts';
import { addTable, installProvider, readProviderOverview, refreshTriggers, removeTable } from '../mod.ts';

const t = { schema: 'public', name: 't' };
const simple = `CREATE TABLE t (id int PRIMARY KEY, v text, n int)`;

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('tables that cannot be replicated are refused by name with the reason', async () => {
    const at = await captureFixture(
      major,
      `
      CREATE TABLE nokey (a int); CREATE UNLOGGED TABLE unlogged (a int PRIMARY KEY);
      CREATE TABLE late (a int PRIMARY KEY DEFERRABLE); CREATE VIEW view AS SELECT 1 AS a; CREATE MATERIALIZED VIEW mat AS SELECT 1 AS a;
      CREATE TABLE mother (a int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (a)) INHERITS (mother);
      CREATE TABLE part (a int PRIMARY KEY) PARTITION BY LIST (a); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
      CREATE TABLE guarded (a int PRIMARY KEY); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
      CREATE SEQUENCE seq; CREATE TEMP TABLE temp (a int PRIMARY KEY); CREATE TABLE nullable (a int UNIQUE);
      CREATE TABLE partial (a int NOT NULL); CREATE UNIQUE INDEX ON partial (a) WHERE a > 0;
      CREATE TABLE good (b int, a int NOT NULL UNIQUE)`,
      ['good', 'part'],
    );
    const refused: [string, RegExp][] = [
      ['nokey', /no primary key/],
      ['unlogged', /unlogged/],
      ['late', /deferrable/],
      ['view', /a view/],
      ['mat', /materialized/],
      ['mother', /inherit/],
      ['child', /inherits/],
      ['part_1', /partition.*part/],
      ['guarded', /row security/],
      ['seq', /sequence/],
      ['nullable', /no primary key/],
      ['partial', /no primary key/],
    ];
    for (const [name, reason] of refused) {
      const failed = addTable(at.client, queue, { schema: 'public', name });
      await expect(failed, name).rejects.toMatchObject({
        code: codes.NOT_REPLICABLE,
        message: expect.stringMatching(new RegExp(`${name}.* cannot be replicated: .*${reason.source}`)),
      });
    }
    const temp = await value(at.client, `SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()`);
    await expect(addTable(at.client, queue, { schema: temp, name: 'temp' })).rejects.toMatchObject({
      message: expect.stringContaining('temporary'),
    });
    await expect(addTable(at.client, queue, { schema: 'pgq', name: 'tick' })).rejects.toMatchObject({
      message: expect.stringContaining('Millrace itself'),
    });
    await expect(addTable(at.client, queue, { schema: 'pg_catalog', name: 'pg_class' })).rejects.toMatchObject({
      message: expect.stringContaining('system'),
    });
    await expect(addTable(at.client, queue, { schema: 'public', name: 'nowhere' })).rejects.toMatchObject({
      code: codes.NOT_FOUND,
    });
    await expect(addTable(at.client, 'no set', t)).rejects.toMatchObject({ code: codes.NOT_FOUND });
    const { tables = [] } = (await readProviderOverview(at.client, queue)) ?? {};
    expect(tables.map((x) => x.name)).toEqual(['good', 'part']);
    expect(tables[0]?.key).toEqual(['a']);
  });

  test('added twice, removed twice, added again; nothing of it is left behind', async () => {
    const at = await captureFixture(major, simple, []);
    expect([await addTable(at.client, queue, t), await addTable(at.client, queue, t)]).toEqual([true, false]);
    await installProvider(at.client);
    await at.run(`INSERT INTO t VALUES (1, 'a', 1)`);
    expect(await at.events()).toHaveLength(1);
    expect([await removeTable(at.client, queue, t), await removeTable(at.client, queue, t)]).toEqual([true, false]);
    const left = `SELECT (SELECT count(*) FROM pg_proc WHERE proname ~ '^(capture_[0-9]|current_table_)') + (SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass)`;
    expect(Number(await value(at.client, left))).toBe(0);
    await at.run(`INSERT INTO t VALUES (2, 'a', 1)`);
    expect(await at.events()).toEqual([]);
    expect(await addTable(at.client, queue, t)).toBe(true);
  });

  test('a table that the application keeps locked is added when it is free, and never makes the application wait long', async () => {
    const at = await captureFixture(major, simple, []);
    const app = await at.open();
    await app.query(`BEGIN; INSERT INTO t VALUES (1, 'a', 1)`);
    await expect(addTable(at.client, queue, t)).rejects.toMatchObject({ code: codes.DATABASE_BUSY });
    // As `millrace add` does.
    const adding = eventually(async () => addTable(at.client, queue, t).catch(nullWhenBusy), { timeoutMs: 30_000 });
    const other = await at.open();
    const started = performance.now();
    for (let i = 2; i < 10; i += 1) await other.query(`INSERT INTO t VALUES (${i}, 'b', 1)`);
    expect(performance.now() - started).toBeLessThan(2000);
    await app.query('COMMIT');
    expect(await adding).toBe(true);
  });

  test('what goes by unseen is found: disabled and dropped triggers, a renamed, swapped, dropped table', async () => {
    const at = await captureFixture(
      major,
      `${simple}; CREATE TABLE s (id int PRIMARY KEY); CREATE TABLE d (id int PRIMARY KEY)`,
      ['t', 's', 'd'],
    );
    expect(await refreshTriggers(at.client, queue)).toEqual([]);
    const name = await value(
      at.client,
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname ~ '_i$'`,
    );
    await at.run(`ALTER TABLE t DISABLE TRIGGER ${name}`, `INSERT INTO t VALUES (1)`);
    const other = await at.open();
    await other.query('BEGIN; SELECT * FROM t');
    expect((await refreshTriggers(at.client, queue))[0]).toMatchObject({
      name: 't',
      problem: expect.stringMatching(/disabled/),
    });
    await other.query('COMMIT');
    await at.run(`INSERT INTO t VALUES (2)`);
    expect(await at.events()).toHaveLength(1);
    await at.run(`SELECT millrace.clear_problem('main', 'public', 't')`);
    await at.run(
      `DROP TRIGGER ${name} ON t`,
      `ALTER TABLE s RENAME TO old_s`,
      `CREATE TABLE s (id int PRIMARY KEY)`,
      `DROP TABLE d`,
      `INSERT INTO old_s VALUES (1)`,
    );
    expect((await refreshTriggers(at.client, queue)).map((f) => [f.name, f.problem])).toEqual([
      ['d', expect.stringMatching(/dropped/)],
      ['s', expect.stringMatching(/another one has its name/)],
      ['t', expect.stringMatching(/dropped or disabled/)],
    ]);
    await removeTable(at.client, queue, { schema: 'public', name: 'd' });
    expect(await addTable(at.client, queue, { schema: 'public', name: 's' })).toBe(true);
    await at.run(`INSERT INTO old_s VALUES (2)`, `INSERT INTO s VALUES (3)`);
    expect((await at.events()).flatMap((e) => e.lines)).toEqual([['1'], ['3']]);
  });

  test('the tables go round: captured changes reach the table that is written after a rotation', async () => {
    const at = await captureFixture(major, simple, ['t']);
    const app = await at.open();
    await app.query(`INSERT INTO t VALUES (1)`);
    await at.run(
      `UPDATE pgq.queue SET queue_switch_time = now() - interval '1 day'`,
      `SELECT pgq.maint_rotate_tables_step1('main')`,
      `SELECT pgq.maint_rotate_tables_step2()`,
    );
    await app.query(`INSERT INTO t VALUES (2)`);
    await app.query(`INSERT INTO t VALUES (3), (4)`);
    expect(Number(await value(at.client, `SELECT count(*) FROM pgq.event_1_1`))).toBe(2);
    expect(await at.events()).toHaveLength(3);
  });

  test('a writer without any right on ours writes, whatever it put into its own path, and cannot call the triggers', async () => {
    const at = await captureFixture(major, simple, ['t']);
    const role = `w_${await value(at.client, `SELECT md5(random()::text || clock_timestamp())`)}`;
    await at.run(`CREATE ROLE ${role}`, `GRANT INSERT, UPDATE, SELECT ON t TO ${role}`);
    const app = await at.openSuperuser();
    await app.query(`SET ROLE ${role}; CREATE TEMP TABLE mr_new (id int, v text, n int); CREATE TEMP TABLE event_1_0 (x int);
      CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$; SET search_path = pg_temp, public`);
    await app.query(`INSERT INTO t VALUES (1, 'a', 1)`);
    await app.query(`INSERT INTO t VALUES (2, 'a', 1), (3, 'b', 2)`);
    await app.query(`DO $$ BEGIN UPDATE t SET n = 1; UPDATE t SET id = id + 1 WHERE id = 3; END $$`);
    await at.expectSame('t');
    await expect(app.query(`INSERT INTO pgq.event_1_0 DEFAULT VALUES`)).rejects.toThrow(/denied/);
    await app.query(
      `RESET ROLE; SET session_replication_role = replica; DELETE FROM t; RESET session_replication_role`,
    );
    await at.expectSame('t');
    await at.run(`REVOKE ALL ON t FROM ${role}`);
    await app.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('names of every kind, and tables of 1,600 columns', async () => {
    const odd = [
      `T "";'drop -- \\ é 表 {}%s$1`,
      'é'.repeat(31),
      'T',
      ' lead',
      'a*b>',
      'new\nline',
      'select',
      'b.c',
      'n',
      'x',
    ];
    const columns = [
      'select',
      `a b"c'd\\e`,
      '__proto__',
      '0',
      '1',
      'Ünï',
      '$1',
      '%s',
      '😀',
      'n',
      'o',
      't',
      'x',
      'mr_new',
      'line',
      'step',
      'known',
    ];
    const at = await captureFixture(major, '', []);
    const q = (name: string) => at.client.escapeIdentifier(name);
    for (const name of odd) {
      await at.run(
        `CREATE TABLE ${q(name)} (${columns.map((c) => `${q(c)} text`).join(', ')}, PRIMARY KEY (${q('__proto__')}, ${q('select')}))`,
      );
      await addTable(at.client, queue, { schema: 'public', name });
      const row = (first: string) =>
        columns.map((c, i) => at.client.escapeLiteral(i === 0 ? first : `${c}${i}`)).join(', ');
      await at.run(
        `INSERT INTO ${q(name)} VALUES (${row('1')}), (${row('2')})`,
        `UPDATE ${q(name)} SET "select" = '3' WHERE "select" = '1'`,
        `DO $d$ BEGIN UPDATE ${q(name)} SET t = '\\'; UPDATE ${q(name)} SET o = E'"\\n'; END $d$`,
        `DELETE FROM ${q(name)} WHERE "select" = '2'`,
      );
      const events = await at.events();
      expect(events.at(-1)).toMatchObject({ type: 'D', table: ['public', name], key: ['__proto__', 'select'] });
    }
    await at.run(
      `CREATE TABLE wide (${Array.from({ length: 1600 }, (_, i) => `c${i} int`).join(', ')}, PRIMARY KEY (c7))`,
    );
    await addTable(at.client, queue, { schema: 'public', name: 'wide' });
    await at.run(
      `INSERT INTO wide (c7, c1599) VALUES (1, 2)`,
      `UPDATE wide SET c0 = 5`,
      `UPDATE wide SET c7 = 5`,
      `DO $$ BEGIN UPDATE wide SET c1 = 1; UPDATE wide SET c1 = 2; END $$`,
    );
    await at.expectSame('wide');
    await at.run(`DELETE FROM wide`);
    await at.expectSame('wide');
    await at.run(`CREATE TABLE one (id int PRIMARY KEY)`);
    await addTable(at.client, queue, { schema: 'public', name: 'one' });
    await at.run(`INSERT INTO one VALUES (1), (2)`, `UPDATE one SET id = 3 WHERE id = 1`);
    await at.expectSame('one');
  });

  test('a generated column stands as null', async () => {
    const kind = major >= 18 ? 'VIRTUAL' : 'STORED';
    const at = await captureFixture(
      major,
      `CREATE TABLE t (a int GENERATED ALWAYS AS (id / n) ${kind}, id int PRIMARY KEY, n int, i int GENERATED ALWAYS AS IDENTITY)`,
      ['t'],
    );
    await at.run(`INSERT INTO t (id, n) VALUES (1, 1)`, `DO $$ BEGIN UPDATE t SET n = 1; UPDATE t SET n = 2; END $$`);
    const events = await at.events();
    expect(events.map((e) => e.columns)).toEqual(events.map(() => [null, 'id', 'n', 'i']));
    if (major >= 18) await at.run(`DO $$ BEGIN UPDATE t SET n = 0; UPDATE t SET n = 0, id = 7; END $$`);
    await at.expectSame('t');
  });
});

function nullWhenBusy(error: MillraceError): null {
  if (error.code !== codes.DATABASE_BUSY) throw error;
  return null;
}
