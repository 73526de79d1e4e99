import { describe, expect, test } from 'vitest';
import { captureFixture } from '../../test/capture-fixture.ts';
import { value } from '../../test/owned-database.ts';
import { queue } from '../../test/queue-fixture.ts';
import { refreshTriggers } from '../mod.ts';

const simple = `CREATE TABLE t (id int PRIMARY KEY, v text, n int)`;

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('DDL in the middle of sessions and transactions: every event tells its own shape, no statement fails', async () => {
    const at = await captureFixture(major, simple, ['t']);
    const app = await at.open();
    const both = async (sql: string) => {
      await app.query(sql);
      await at.client.query(
        sql.replaceAll('(1', '(11').replaceAll('id = 1', 'id = 11').replaceAll('key = 1', 'key = 11'),
      );
    };
    await both(`INSERT INTO t VALUES (1, 'a', 1)`);
    await at.run(`ALTER TABLE t ADD x text DEFAULT 'dx'`);
    await both(`UPDATE t SET n = 2 WHERE id = 1`);
    await at.run(`ALTER TABLE t RENAME v TO vv`);
    await both(`UPDATE t SET n = 3 WHERE id = 1`);
    await app.query(`BEGIN; UPDATE t SET n = 4; ALTER TABLE t DROP vv; UPDATE t SET n = 5; ALTER TABLE t RENAME id TO key; UPDATE t SET n = 6;
      UPDATE t SET key = key + 1000 WHERE key = 1; ALTER TABLE t ALTER n TYPE numeric USING n + 0.50; UPDATE t SET x = 'n'; COMMIT`);
    await both(`UPDATE t SET x = 'y' WHERE key = 1`);
    await app.query(`UPDATE t SET key = 1 WHERE key = 1001; DELETE FROM t WHERE key = 11`);
    const seen = (await at.events()).map((e) => `${e.type} ${e.columns.join()} ${e.key.join()}`);
    expect(new Set(seen)).toEqual(
      new Set([
        'I id,v,n id',
        'U id,v,n,x id',
        'U id,vv,n,x id',
        'X id,n,x id',
        'X key key',
        'X key,n,x key',
        'D key key',
        'U key,n,x key',
      ]),
    );
    await at.run(`ALTER TABLE t RENAME key TO id`);
    await refreshTriggers(at.client, queue);
    await app.query(`UPDATE t SET x = 'z'`);
    await at.run(
      `ALTER TABLE t DROP n`,
      `ALTER TABLE t ADD j json`,
      `UPDATE t SET j = '{}'`,
      `UPDATE t SET j = NULL WHERE id = 1`,
    );
    expect((await at.events()).map((e) => e.columns.join())).toEqual(['id,n,x', 'id,x,j', 'id,x,j']);
  });

  test('the key renamed, replaced, dropped: the application goes on, events say what they lack', async () => {
    const at = await captureFixture(major, simple, ['t']);
    const app = await at.open();
    await app.query(`INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)`);
    await at.run(
      `ALTER TABLE t ADD code uuid NOT NULL DEFAULT gen_random_uuid()`,
      `ALTER TABLE t DROP CONSTRAINT t_pkey`,
    );
    await app.query(`UPDATE t SET n = 9`);
    await app.query(`UPDATE t SET n = 10 WHERE v = 'a'`);
    await app.query(`DELETE FROM t WHERE v = 'a'`);
    await app.query(`DO $$ BEGIN UPDATE t SET n = 3; UPDATE t SET n = 4; END $$`);
    expect((await at.events()).slice(1).every((e) => e.key.length === 0 && e.columns.includes('id'))).toBe(true);
    expect((await refreshTriggers(at.client, queue))[0]?.problem).toMatch(/no primary key/);
    await at.run(`ALTER TABLE t ADD PRIMARY KEY (code)`);
    await app.query(`UPDATE t SET n = 5`);
    await at.run(`ALTER TABLE t DROP id`);
    await app.query(`UPDATE t SET n = 6`);
    await app.query(`DELETE FROM t`);
    expect((await at.events({ replayed: false })).map((e) => `${e.type} ${e.columns.join()} ${e.key.join()}`)).toEqual([
      'U id,v,n,code code',
      'U v,n,code code',
      'D code code',
    ]);
    expect((await refreshTriggers(at.client, queue))[0]?.action).toMatch(/generated again/);
    expect(await value(at.client, `SELECT millrace.clear_problem('main', 'public', 't')`)).toBe(true);
    expect(await refreshTriggers(at.client, queue)).toEqual([]);
  });

  test('a REPEATABLE READ transaction older than an ALTER TABLE writes rows and names of today', async () => {
    const at = await captureFixture(major, simple, ['t']);
    const app = await at.open();
    await app.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class`);
    await at.run(`ALTER TABLE t ADD x int DEFAULT 7`, `ALTER TABLE t RENAME v TO w`, `ALTER TABLE t RENAME id TO key`);
    await app.query(`INSERT INTO t VALUES (1, 'a', 1, 8); UPDATE t SET w = 'b'; UPDATE t SET key = 5; COMMIT`);
    const events = await at.events();
    expect(events.map((e) => e.key.join())).toEqual(events.map(() => 'key'));
    expect(new Set(events.map((e) => e.columns.join()))).toEqual(new Set(['key,w,n,x', 'key']));
    expect(events.at(-1)?.lines).toEqual([['5', 'b', '1', '8']]);
  });

  test('statements on partitions are logged under the root, with new, odd and leaving partitions', async () => {
    const at = await captureFixture(
      major,
      `
      CREATE TABLE p (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
      CREATE TABLE p2 (gone int, v text, k int NOT NULL); ALTER TABLE p2 DROP gone; ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (300) ;
      CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (300) TO (500) PARTITION BY RANGE (k); CREATE TABLE p31 PARTITION OF p3 FOR VALUES FROM (300) TO (400)`,
      ['p'],
    );
    await at.run(
      `INSERT INTO p VALUES (1, 'a'), (150, 'b'), (310, 'c')`,
      `INSERT INTO p2 (k, v) VALUES (160, 'd'), (161, 'e')`,
      `UPDATE p2 SET v = 'f' WHERE k = 160`,
      `UPDATE p SET k = k + 150 WHERE k < 160`,
      `UPDATE p31 SET v = 'g'`,
      `UPDATE p3 SET v = v || 'h'`,
      `DELETE FROM p2 WHERE k = 161`,
      `UPDATE p2 SET k = k + 1 WHERE k = 160`,
      `DO $$ BEGIN UPDATE p2 SET v = 'x'; UPDATE p2 SET v = v || 'y'; UPDATE p SET v = v || 'z'; END $$`,
    );
    await at.expectSame('p');
    await at.run(`CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (500) TO (600)`, `INSERT INTO p VALUES (500, 'n')`);
    expect(await refreshTriggers(at.client, queue)).toMatchObject([
      { action: 'partition public.p4 added', problem: null },
    ]);
    await at.run(`INSERT INTO p4 VALUES (501, 'm')`, `TRUNCATE p2`);
    await at.expectSame('p');
    await at.run(`TRUNCATE p`);
    expect((await at.events()).map((e) => e.type)).toEqual(['T']);
    await at.run(
      `CREATE TABLE p5 (k int NOT NULL, v text)`,
      `INSERT INTO p5 VALUES (600, 'old')`,
      `ALTER TABLE p ATTACH PARTITION p5 FOR VALUES FROM (600) TO (700)`,
      `ALTER TABLE p DETACH PARTITION p1`,
      `DROP TABLE p4`,
      `INSERT INTO p1 VALUES (1, 'mine')`,
    );
    expect(await at.events()).toEqual([]);
    const [found] = await refreshTriggers(at.client, queue);
    for (const words of ['p5 came with rows', 'p1 was detached', 'was dropped'])
      expect(found?.problem).toContain(words);
  });
});
