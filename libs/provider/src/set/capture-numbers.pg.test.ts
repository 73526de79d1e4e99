import { parseSource, splitColumns } from '@millrace/model';
import { describe, expect, test } from 'vitest';
import { type CaptureFixture, captureFixture } from '../../test/capture-fixture.ts';
import { queue } from '../../test/queue-fixture.ts';
import { refreshTriggers } from '../mod.ts';

let seen = 0;

/** The new events' type, columns with numbers, and key with numbers; `o` for the oid of the table given. */
async function described(at: CaptureFixture, table: string): Promise<string[]> {
  const { rows } = await at.client.query(
    `SELECT ev_id, ev_type || ' ' || replace(ev_extra2 || ' ' || ev_extra3, $1::regclass::oid || ':', 'o:') AS text
     FROM pgq.event_1 WHERE ev_id > $2 AND ev_type <> 'T' ORDER BY ev_id`,
    [table, seen],
  );
  seen = Math.max(seen, ...rows.map((row) => Number(row.ev_id)));
  return rows.map((row) => row.text);
}

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('columns keep their numbers through every renaming, dropping and adding', async () => {
    seen = 0;
    const at = await captureFixture(
      major,
      `CREATE TABLE t (gone int, "i] 1:2" int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED, b int);
       ALTER TABLE t DROP gone`,
      ['t'],
    );
    await at.run(`INSERT INTO t VALUES (1, 2, DEFAULT, 3)`, `DELETE FROM t`);
    expect(await described(at, 't')).toEqual([
      'I ["i] 1:2","a",null,"b"] o:2i,3i,4i,5i ["i] 1:2"] o:2i',
      'D ["i] 1:2"] o:2i ["i] 1:2"] o:2i',
    ]);
    const old = await at.open();
    await old.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class`);
    await at.run(
      `ALTER TABLE t RENAME "i] 1:2" TO id; ALTER TABLE t RENAME b TO c; ALTER TABLE t ADD b int`,
      `INSERT INTO t VALUES (1, 2, DEFAULT, 3, 4)`,
      `DO $$ BEGIN UPDATE t SET b = 5; UPDATE t SET id = 6; END $$`,
    );
    const now = '["id","a",null,"c","b"] o:2i,3i,4i,5i,6i ["id"] o:2i';
    expect(await described(at, 't')).toEqual([`I ${now}`, `U ${now}`, 'X ["id"] o:2i ["id"] o:2i', `X ${now}`]);
    await old.query(`INSERT INTO t VALUES (7, 7, DEFAULT, 7, 7); COMMIT`);
    expect((await described(at, 't')).map((text) => text.split(' o:')[1])).toEqual(['2i,3i,4i,5i,6i ["id"]']);
  });

  test('the lines of a partition bear the numbers of the root', async () => {
    seen = 0;
    const at = await captureFixture(
      major,
      `CREATE TABLE p (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
       CREATE TABLE p1 (gone int, v text, k int NOT NULL); ALTER TABLE p1 DROP gone;
       ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100)`,
      ['p'],
    );
    await at.run(`INSERT INTO p1 VALUES ('a', 1)`, `UPDATE p SET v = 'b'`, `DELETE FROM p1`);
    expect(await described(at, 'p')).toEqual([
      'I ["v","k"] o:2t,1i ["k"] o:1i',
      'U ["k","v"] o:1i,2t ["k"] o:1i',
      'D ["k"] o:1i ["k"] o:1i',
    ]);
  });

  test('a table without columns, or without its key, is captured as before', async () => {
    seen = 0;
    const at = await captureFixture(major, `CREATE TABLE t (id int PRIMARY KEY)`, ['t']);
    await at.run(`ALTER TABLE t DROP CONSTRAINT t_pkey`, `INSERT INTO t VALUES (1)`, `ALTER TABLE t DROP id`);
    await at.run(`INSERT INTO t DEFAULT VALUES`);
    expect(await described(at, 't')).toEqual(['I ["id"] o:1i []', 'I [] []']);
  });

  test('types come as the catalog has them, with modifiers, and of domains what they are made of', async () => {
    seen = 0;
    const at = await captureFixture(
      major,
      `CREATE SCHEMA "o.d d"; CREATE TYPE "o.d d"."a ""] 1:2, COLLATE x" AS ENUM ('a'); CREATE TYPE pair AS (a int, b text);
       CREATE DOMAIN money_ AS numeric(10,4); CREATE DOMAIN fine AS money_; CREATE DOMAIN many AS int[]`,
      [],
    );
    const types = [
      'int,bigint,smallint,text,boolean,uuid,date,json,jsonb,bytea,real,float8,numeric,"char",name,xid8,inet',
      'varchar,varchar(20),char(7),bpchar,bit,bit(3),varbit(9),interval,interval(2),interval day to second(3)',
      'timestamp,timestamptz,timestamp(0),timestamptz(3),time,time(2),timetz,int[],varchar(5)[],money,xml,tsvector,int4range',
      '"o.d d"."a ""] 1:2, COLLATE x",pair,fine,many,money_[],"o.d d"."a ""] 1:2, COLLATE x"[]',
    ].flatMap((list) => list.split(/,(?! COLLATE)/));
    types.push('numeric(10,2)', 'numeric(5)', 'text COLLATE "C"', 'varchar(3) COLLATE pg_catalog."POSIX"');
    if (major >= 15) types.push('numeric(3,-2)');
    await at.run(`CREATE TABLE t (id int PRIMARY KEY, ${types.map((type, n) => `c${n} ${type}`).join()})`);
    await at.run(`SELECT millrace.add_table('main', 't')`, `INSERT INTO t VALUES (1)`);
    const [event = ''] = await described(at, 't');
    const { source } = splitColumns(event.slice(2).replace(/ \["id"\] o:1i$/, ''));
    await at.run('SET search_path = pg_catalog, pg_temp');
    const { rows } = await at.client.query(
      `SELECT attnum AS number, format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = 'public.t'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    const reported = parseSource(source.replace('o:', '7:'), types.length + 1);
    expect(reported?.columns.map(({ number, type }) => ({ number, type }))).toEqual(rows);
    expect(reported?.columns.filter(({ type, base }) => type !== base)).toEqual([
      expect.objectContaining({ type: 'public.fine', base: 'numeric(10,4)' }),
      expect.objectContaining({ type: 'public.many', base: 'integer[]' }),
    ]);
    await at.run(`SET search_path = public; CREATE SCHEMA hidden; CREATE DOMAIN hidden.d AS int CHECK (VALUE > 0);
      CREATE TABLE h (id int PRIMARY KEY, v hidden.d); REVOKE ALL ON SCHEMA hidden FROM CURRENT_USER`);
    await at.run(`SELECT millrace.add_table('main', 'h')`, 'INSERT INTO h VALUES (1)', 'UPDATE h SET id = 2');
    expect((await described(at, 'h'))[0]).toBe('I ["id","v"] o:1i,2"hidden.d"=i ["id"] o:1i');
  });

  test('types follow every ALTER in the middle of sessions, also under an old snapshot', async () => {
    seen = 0;
    const at = await captureFixture(
      major,
      `CREATE TABLE t (id int PRIMARY KEY, v varchar(5));
       CREATE TABLE p (k int PRIMARY KEY, v numeric(5,1)) PARTITION BY RANGE (k);
       CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100)`,
      ['t', 'p'],
    );
    const old = await at.open();
    const busy = await at.open();
    await busy.query(`INSERT INTO t VALUES (1, 'a'); INSERT INTO p1 VALUES (1, 1)`);
    await old.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class`);
    const reported = async (table: string) =>
      (await described(at, table)).map((text) => text.split(' o:')[1]?.split(' ')[0]);
    await at.run(`ALTER TABLE t ALTER v TYPE varchar(9)`);
    await busy.query(`UPDATE t SET v = 'b'`);
    await at.run(`ALTER TABLE t ALTER v TYPE text, ALTER id TYPE bigint`);
    await busy.query(`UPDATE t SET v = 'c'`);
    await busy.query(`DELETE FROM t`);
    await at.run(`ALTER TABLE t ALTER v TYPE varchar(30)`);
    await old.query(`INSERT INTO t VALUES (2, 'old'); DELETE FROM t WHERE id = 2; COMMIT`);
    await at.run(`ALTER TABLE p ALTER v TYPE numeric(7,3)`);
    await busy.query(`UPDATE p1 SET v = 2`);
    await busy.query(`DELETE FROM p1`);
    const all = await reported('t');
    expect(all).toEqual(['1i,2v5', undefined, '1i,2v9', '1l,2t', '1l', '1l,2v30', '1l', undefined, undefined]);
    seen = 0;
    expect((await reported('p')).filter((text) => text !== undefined)).toEqual(['1i,2n5.1', '1i,2n7.3', '1i']);
  });

  test('a rewriting of rows that no event can tell is a problem of the table; other rewritings are none', async () => {
    const at = await captureFixture(
      major,
      `CREATE TABLE t (id int PRIMARY KEY, v int, w text); INSERT INTO t VALUES (1, 1, 'a');
       CREATE TABLE p (k int PRIMARY KEY, v int) PARTITION BY RANGE (k);
       CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100); INSERT INTO p VALUES (1, 1)`,
      ['t', 'p'],
    );
    const problems = async () =>
      (await refreshTriggers(at.client, queue)).flatMap(({ name, problem }) => (problem === null ? [] : [name]));
    await at.run(
      'VACUUM FULL t',
      'ALTER TABLE t ALTER v TYPE bigint',
      'ALTER TABLE t ADD x int DEFAULT 5',
      'ALTER TABLE t RENAME w TO y',
      'TRUNCATE p',
    );
    expect(await problems()).toEqual([]);
    await at.run('CLUSTER t USING t_pkey', 'VACUUM FULL p1');
    expect(await problems()).toEqual([]);
    await at.run('ALTER TABLE t ALTER v TYPE bigint USING v * 2');
    expect(await problems()).toEqual(['t']);
    await at.run(`SELECT millrace.add_table('main', 't')`);
    expect(await problems()).toEqual([]);
    await at.run('ALTER TABLE p ALTER v TYPE int USING -v', 'ALTER TABLE t ADD z float8 DEFAULT random()');
    expect((await problems()).toSorted()).toEqual(['p', 't']);
  });
});
