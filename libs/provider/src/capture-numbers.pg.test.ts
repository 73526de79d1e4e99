import { describe, expect, test } from 'vitest';
import { type CaptureFixture, captureFixture } from '../test/capture-fixture.ts';

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
      'I ["i] 1:2","a",null,"b"] o:2,3,4,5 ["i] 1:2"] o:2',
      'D ["i] 1:2"] o:2 ["i] 1:2"] o:2',
    ]);
    const old = await at.open();
    await old.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class`);
    await at.run(
      `ALTER TABLE t RENAME "i] 1:2" TO id; ALTER TABLE t RENAME b TO c; ALTER TABLE t ADD b int`,
      `INSERT INTO t VALUES (1, 2, DEFAULT, 3, 4)`,
      `DO $$ BEGIN UPDATE t SET b = 5; UPDATE t SET id = 6; END $$`,
    );
    const now = '["id","a",null,"c","b"] o:2,3,4,5,6 ["id"] o:2';
    expect(await described(at, 't')).toEqual([`I ${now}`, `U ${now}`, 'X ["id"] o:2 ["id"] o:2', `X ${now}`]);
    await old.query(`INSERT INTO t VALUES (7, 7, DEFAULT, 7, 7); COMMIT`);
    expect((await described(at, 't')).map((text) => text.split(' o:')[1])).toEqual(['2,3,4,5,6 ["id"]']);
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
      'I ["v","k"] o:2,1 ["k"] o:1',
      'U ["k","v"] o:1,2 ["k"] o:1',
      'D ["k"] o:1 ["k"] o:1',
    ]);
  });

  test('a table without columns, or without its key, is captured as before', async () => {
    seen = 0;
    const at = await captureFixture(major, `CREATE TABLE t (id int PRIMARY KEY)`, ['t']);
    await at.run(`ALTER TABLE t DROP CONSTRAINT t_pkey`, `INSERT INTO t VALUES (1)`, `ALTER TABLE t DROP id`);
    await at.run(`INSERT INTO t DEFAULT VALUES`);
    expect(await described(at, 't')).toEqual(['I ["id"] o:1 []', 'I [] []']);
  });
});
