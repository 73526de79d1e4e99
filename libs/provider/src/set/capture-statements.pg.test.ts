import { describe, expect, test } from 'vitest';
import { captureFixture } from '../../test/capture-fixture.ts';
import { value } from '../../test/owned-database.ts';

const simple = `CREATE TABLE t (id int PRIMARY KEY, v text, n int)`;
const types = (events: readonly { type: string }[]) => events.map((event) => event.type).join('');

describe.each([15, 18])('on PostgreSQL %i, captured is', (major) => {
  test('one event per statement, with lines, columns and key', async () => {
    const at = await captureFixture(major, simple, ['t']);
    await at.run(`INSERT INTO t VALUES (1, 'a "b", \\c', 1), (2, NULL, NULL), (3, '', 3)`);
    const [event, ...more] = await at.events();
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: 'I',
      table: ['public', 't'],
      columns: ['id', 'v', 'n'],
      key: ['id'],
      count: 3,
      lines: [
        ['1', 'a "b", \\c', '1'],
        ['2', null, null],
        ['3', '', '3'],
      ],
    });
    await at.run(
      `UPDATE t SET n = 5 WHERE id < 3`,
      `DELETE FROM t WHERE id = 3`,
      `UPDATE t SET n = 1 WHERE false`,
      `DELETE FROM t WHERE false`,
    );
    expect((await at.events()).map((e) => [e.type, e.columns, e.ops.join('')])).toEqual([
      ['U', ['id', 'v', 'n'], 'UU'],
      ['D', ['id'], 'D'],
    ]);
  });

  test('a moved key as vanished and present, a shift without its own keys', async () => {
    const at = await captureFixture(major, `${simple}; CREATE TABLE c (a int, b text, v int, PRIMARY KEY (b, a))`, [
      't',
      'c',
    ]);
    await at.run(`INSERT INTO t SELECT i, 'x', i FROM generate_series(1, 5) i`, `UPDATE t SET id = 100 WHERE id = 1`);
    await at.expectSame('t');
    await at.run(`UPDATE t SET id = id - 1`);
    const shifted = (await at.events()).map(
      (e) =>
        `${e.type}:${e.lines
          .map((l) => l[0])
          .sort()
          .join()}`,
    );
    expect(shifted).toEqual(['D:100,5', 'X:1,2,3,4,99']);
    await at.run(
      `INSERT INTO c VALUES (1, 'x', 1), (1, 'y', 2)`,
      `UPDATE c SET a = 2 WHERE b = 'x'`,
      `UPDATE c SET b = 'z', a = 9 WHERE b = 'y'`,
      `DELETE FROM c WHERE b = 'x'`,
    );
    await at.expectSame('c');
  });

  test('INSERT … ON CONFLICT, MERGE, writable CTE, a cursor, a prepared statement, and no SELECT FOR UPDATE', async () => {
    const at = await captureFixture(major, simple, ['t']);
    await at.run(
      `INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)`,
      `INSERT INTO t VALUES (1, 'n', 0), (4, 'd', 4) ON CONFLICT (id) DO UPDATE SET n = t.n + 10`,
      `INSERT INTO t VALUES (1, 'n', 0) ON CONFLICT DO NOTHING`,
      `MERGE INTO t USING (VALUES (1), (2), (9)) s(id) ON t.id = s.id WHEN MATCHED AND t.id = 2 THEN DELETE
         WHEN MATCHED THEN UPDATE SET v = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'new', 0)`,
      `WITH d AS (DELETE FROM t WHERE id = 3 RETURNING *) INSERT INTO t SELECT id, v || '!', n FROM d`,
      `WITH u AS (UPDATE t SET n = 7 WHERE id = 1 RETURNING *), i AS (INSERT INTO t VALUES (20, 'cte', 1)) DELETE FROM t WHERE id = 9`,
      `BEGIN; DECLARE c CURSOR FOR SELECT * FROM t ORDER BY id FOR UPDATE; FETCH 2 FROM c; UPDATE t SET v = 'here' WHERE CURRENT OF c; COMMIT`,
      `PREPARE p(int) AS UPDATE t SET n = n + $1 WHERE id > $1`,
      ...Array.from({ length: 8 }, (_, i) => `EXECUTE p(${i})`),
    );
    await at.expectSame('t');
    await at.run(`SELECT * FROM t FOR UPDATE`);
    expect(await at.events()).toEqual([]);
  });

  test('a transaction in order, without what was rolled back, also when it is prepared', async () => {
    const at = await captureFixture(major, simple, ['t']);
    await at.run(
      `BEGIN; INSERT INTO t VALUES (1, 'a', 1); SAVEPOINT s; UPDATE t SET n = 2; ROLLBACK TO s; UPDATE t SET v = 'kept'; COMMIT`,
      `BEGIN`,
      `INSERT INTO t VALUES (2, 'b', 1)`,
      `SAVEPOINT s`,
      `UPDATE t SET n = 9`,
      `RELEASE s`,
      `ROLLBACK`,
      `DO $$ BEGIN UPDATE t SET n = 3; BEGIN UPDATE t SET n = 4; RAISE EXCEPTION 'x'; EXCEPTION WHEN others THEN NULL; END; UPDATE t SET v = v || n; END $$`,
    );
    await at.expectSame('t');
    if ((await value<string>(at.client, 'SHOW max_prepared_transactions')) === '0') return;
    await at.run(
      `BEGIN`,
      `UPDATE t SET n = 50`,
      `PREPARE TRANSACTION 'mr_${major}_a'`,
      `COMMIT PREPARED 'mr_${major}_a'`,
      `BEGIN`,
      `UPDATE t SET n = 60`,
      `PREPARE TRANSACTION 'mr_${major}_b'`,
      `ROLLBACK PREPARED 'mr_${major}_b'`,
    );
    await at.expectSame('t');
  });

  test('what foreign keys do, keys that cascades change twice included', async () => {
    const at = await captureFixture(
      major,
      `
      CREATE TABLE p (id int PRIMARY KEY);
      CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE);
      CREATE TABLE n (id int PRIMARY KEY, p int DEFAULT 1 REFERENCES p ON UPDATE SET NULL ON DELETE SET DEFAULT);
      CREATE TABLE self (id int UNIQUE NOT NULL, up int REFERENCES self (id) ON UPDATE CASCADE ON DELETE CASCADE, k int,
        w int GENERATED ALWAYS AS (k * 2) STORED, PRIMARY KEY (k))`,
      ['p', 'c', 'n', 'self'],
    );
    await at.run(
      `INSERT INTO p VALUES (1), (2), (3)`,
      `INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)`,
      `INSERT INTO n SELECT * FROM c`,
      `UPDATE p SET id = id + 10 WHERE id > 1`,
      `DELETE FROM p WHERE id = 12`,
      `INSERT INTO self VALUES (1, NULL, 1), (2, 1, 2), (3, 2, 3)`,
      `UPDATE self SET id = id + 100`,
      `DELETE FROM self WHERE k = 1`,
    );
    for (const table of ['p', 'c', 'n', 'self']) await at.expectSame(table);
  });

  test('a key that a row only passed through: the statement moves it, a cascade moves it on', async () => {
    const at = await captureFixture(
      major,
      `
      CREATE TABLE tree (id int NOT NULL UNIQUE, up int NOT NULL REFERENCES tree (id) ON UPDATE CASCADE, seq int NOT NULL, PRIMARY KEY (up, seq))`,
      ['tree'],
    );
    await at.run(`INSERT INTO tree VALUES (1, 1, 0), (2, 1, 1), (3, 2, 2)`);
    await at.run(`UPDATE tree SET id = id + 10, seq = seq + 100`);
    await at.expectSame('tree');
    await at.run(`UPDATE tree SET seq = -seq`, `UPDATE tree SET id = 99 WHERE id = 11`);
    await at.expectSame('tree');
  });

  test('TRUNCATE, of several tables and by cascade, before the rows that a trigger puts in afterwards', async () => {
    const at = await captureFixture(major, `${simple}; CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t)`, [
      't',
      'c',
    ]);
    await at.run(`INSERT INTO t VALUES (1, 'a', 1)`, `INSERT INTO c VALUES (1, 1)`, `TRUNCATE t CASCADE`);
    expect(types(await at.events())).toBe('IITT');
    await at.run(
      `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (7, 'after', 0); RETURN NULL; END $$`,
      `CREATE TRIGGER a AFTER TRUNCATE ON t EXECUTE FUNCTION fill()`,
      `INSERT INTO t VALUES (2, 'b', 1)`,
      `TRUNCATE t, c RESTART IDENTITY`,
    );
    await at.expectSame('t');
    await at.run(`BEGIN`, `TRUNCATE t, c`, `ROLLBACK`);
    await at.expectSame('t');
    await at.run(
      `DROP TRIGGER a ON t; INSERT INTO t VALUES (3, 'c', 1); TRUNCATE t, c; INSERT INTO t VALUES (4, 'd', 1)`,
    );
    await at.expectSame('t');
  });

  test('many rows in pieces, in order, a huge row alone', async () => {
    const at = await captureFixture(major, simple, ['t']);
    await at.run(`INSERT INTO t SELECT i, repeat('x', 100), i FROM generate_series(1, 30000) i`);
    const events = await at.events();
    expect(events.reduce((sum, e) => sum + e.count, 0)).toBe(30000);
    expect(Math.max(...events.map((e) => e.count))).toBeLessThanOrEqual(2000);
    expect(events.flatMap((e) => e.lines.map((l) => Number(l[0])))).toEqual(
      Array.from({ length: 30000 }, (_, i) => i + 1),
    );
    await at.run(
      `UPDATE t SET id = id + 30000 WHERE id > 10`,
      `UPDATE t SET n = n + 1`,
      `DELETE FROM t WHERE id % 2 = 0`,
    );
    await at.expectSame('t');
    await at.run(`UPDATE t SET v = repeat('y', 3000000) WHERE id IN (1, 3, 30011)`);
    expect((await at.events()).map((e) => e.count)).toEqual([1, 1, 1]);
    await at.run(`INSERT INTO t VALUES (-1, repeat(E'"\\\\é', 25000000), 1)`);
    expect(await value(at.client, `SELECT octet_length(v) FROM t WHERE id = -1`)).toBe(100_000_000);
    expect(
      Number(await value(at.client, `SELECT octet_length(ev_data) FROM pgq.event_1 ORDER BY ev_id DESC LIMIT 1`)),
    ).toBe(150_000_012);
  });

  test('deferred triggers, changed at commit', async () => {
    const at = await captureFixture(
      major,
      `${simple};
      CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET n = coalesce(n, 0) + 1 WHERE id = new.id AND n < 3; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()`,
      ['t'],
    );
    await at.run(
      `INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 1)`,
      `BEGIN`,
      `UPDATE t SET n = 0`,
      `INSERT INTO t VALUES (3, 'c', 0)`,
      `COMMIT`,
    );
    await at.expectSame('t');
  });
});
