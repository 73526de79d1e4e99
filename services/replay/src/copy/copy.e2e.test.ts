import { armFailpoints } from '@millrace/lifecycle/testing';
import { moveTable, setCopy } from '@millrace/subscriber';
import { eventually } from '@millrace/testkit';
import { copyStreamName } from '@millrace/wire';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { change, insert, ReplaySite, t } from '../../test/replay-site.ts';

let site: ReplaySite;

beforeEach(async () => {
  site = await ReplaySite.open();
});

afterEach(() => site.close());

test('a copy is loaded, rows that were there are replaced, and what changed meanwhile is applied after it', async () => {
  await site.client.query("INSERT INTO t VALUES (5, 'old'), (777, 'old')");
  await site.requestCopy(4);
  await site.start();
  await site.publish({ from: 1, sections: [change('(U,5,early,)')] });
  await site.publish({
    from: 2,
    sections: [
      change('(U,6,late,)', '(I,2000,new,)'),
      { table: t, form: 'change', columns: ['id'], key: ['id'], records: ['(D,7,)'] },
    ],
  });
  await site.isAt(3);
  await site.publishCopy({ id: 4, attempt: 1, tick: 2, rows: 1000, value: 'copied' });
  await site.isOk();
  await site.publish({ from: 3, sections: [change('(U,2000,newer,)')] });
  await site.isAt(4);
  expect(await site.rows("SELECT count(*)::int AS n, count(*) FILTER (WHERE v = 'copied')::int AS c FROM t")).toEqual([
    { n: 1000, c: 998 },
  ]);
  expect(await site.rows('SELECT id, v FROM t WHERE id IN (5, 6, 7, 2000) ORDER BY id')).toEqual([
    { id: 5, v: 'copied' },
    { id: 6, v: 'late' },
    { id: 2000, v: 'newer' },
  ]);
  expect(await site.rows('SELECT count(*)::int AS n FROM millrace.pending')).toEqual([{ n: 0 }]);
  expect((await site.reported()).tables).toMatchObject([{ copied_rows: 1000 }]);
});

test('a copy ahead of the position waits for it; what it has already is not applied again', async () => {
  await site.requestCopy(4);
  await site.start();
  await site.publishCopy({ id: 4, attempt: 1, tick: 3, rows: 10, value: 'copied' });
  await eventually(async () => expect((await site.reported()).tables).toMatchObject([{ state: 'catching-up' }]));
  await site.publish({ from: 1, sections: [insert('1,a')] });
  await site.publish({ from: 2, sections: [change('(U,1,b,)')] });
  await site.publish({ from: 3, sections: [change('(U,2,after,)')] });
  await site.isAt(4);
  await site.isOk();
  expect(await site.rows('SELECT id, v FROM t WHERE id < 3 ORDER BY id')).toEqual([
    { id: 0, v: 'copied' },
    { id: 1, v: 'copied' },
    { id: 2, v: 'after' },
  ]);
});

test('a broken copy is reported and the next attempt begins from nothing; a missing column is reported and waited for', async () => {
  await site.requestCopy(9);
  await site.start();
  await site.publishCopy({ id: 9, attempt: 1, tick: 1, rows: 500, value: 'first', leaveOut: 3 });
  await eventually(async () =>
    expect((await site.reported()).tables).toMatchObject([
      { state: 'copying', broken: true, copy: { id: 9, attempt: 1 } },
    ]),
  );
  await site.client.query('ALTER TABLE t RENAME v TO w').catch(() => {});
  await site.publishCopy({ id: 9, attempt: 2, tick: 1, rows: 500, value: 'second' });
  await eventually(async () =>
    expect((await site.reported()).tables).toMatchObject([{ error: expect.stringMatching(/lacks column "v"/) }]),
  );
  await eventually(async () =>
    expect(await site.rows('SELECT error FROM millrace.subscribed_table')).toMatchObject([
      { error: expect.stringMatching(/lacks column "v"/) },
    ]),
  );
  await site.client.query('ALTER TABLE t RENAME w TO v');
  await site.isOk();
  expect(await site.rows("SELECT count(*)::int AS n FROM t WHERE v = 'second'")).toEqual([{ n: 500 }]);
});

test.each([1, 3])(
  'an aborted load continues with what is loaded, though the bus has lost the beginning: %i sessions',
  async (sessions) => {
    const copies = { directBytes: 0, partBytes: 1500, sessions };
    await site.client.query("INSERT INTO t VALUES (5, 'old'), (77777, 'old')");
    await site.requestCopy(6);
    const first = await site.start({ copies });
    const copy = { id: 6, attempt: 1, tick: 1, rows: 3000, value: 'copied' };
    await site.publishCopy({ ...copy, part: (chunk) => chunk < 40 });
    const staged = async () =>
      Number((await site.rows('SELECT sum(rows) AS n FROM millrace.copy_part'))[0]?.['n'] ?? 0);
    await eventually(async () => expect(await staged()).toBeGreaterThan(300));
    expect(await site.rows('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }]);
    await first.stop();
    expect(await staged()).toBeGreaterThan(300);
    await site.bus.connection.request(`$JS.API.STREAM.PURGE.${copyStreamName(site.queue)}`, JSON.stringify({ seq: 3 }));
    await site.publishCopy({ ...copy, part: (chunk) => chunk >= 40 });
    await site.start({ copies });
    await site.isOk();
    expect(await site.rows("SELECT count(*)::int AS n, count(*) FILTER (WHERE v = 'copied')::int AS c FROM t")).toEqual(
      [{ n: 3000, c: 3000 }],
    );
    expect(await site.rows('SELECT copy_attempt FROM millrace.subscribed_table')).toEqual([{ copy_attempt: 1 }]);
    expect(await site.rows(`SELECT relname FROM pg_class WHERE relname ~ '^copy_[0-9]'`)).toEqual([]);
    expect(await site.rows('SELECT * FROM millrace.copy_part')).toEqual([]);
  },
);

test('a copy that is refused holds the table, which takes nothing more until a new copy is requested', async () => {
  await site.client.query("ALTER TABLE t ADD CONSTRAINT short CHECK (v <> 'bad')");
  await site.requestCopy(7);
  await site.start();
  await site.publishCopy({ id: 7, attempt: 1, tick: 1, rows: 100, value: 'bad' });
  await eventually(async () =>
    expect((await site.reported()).tables).toMatchObject([
      {
        state: 'held',
        copy: { id: 7 },
        error: expect.stringMatching(/check constraint "short" at the subscriber refused a row$/),
      },
    ]),
  );
  await site.publish({ from: 1, sections: [change('(U,5,late,)')] });
  await site.isAt(2);
  expect(await site.rows('SELECT count(*)::int AS n FROM millrace.pending')).toEqual([{ n: 0 }]);
  expect(await site.ids()).toEqual([]);
  await moveTable(site.client, site.queue, t, { to: 'registered', error: null });
  await setCopy(site.client, site.queue, t, 8);
  await site.publishCopy({ id: 8, attempt: 1, tick: 2, rows: 100, value: 'good' });
  await site.isOk();
  expect((await site.ids()).length).toBe(100);
});

test.each([
  'replay.copy-begun',
  'replay.copy-chunk',
  'replay.copy-before-commit',
  'replay.copy-after-commit',
  'replay.finish-before-commit',
])('a copy with a fault at %s is loaded once', async (name) => {
  await site.requestCopy(3);
  const disarm = armFailpoints(`${name}=throw@1`);
  await site.start();
  await site.publishCopy({ id: 3, attempt: 1, tick: 1, rows: 100, value: 'x' });
  await site.isOk();
  disarm();
  expect((await site.ids()).length).toBe(100);
});

test('a renaming among the changes stored during a copy: they are applied up to it, and on when it is renamed here', async () => {
  await site.requestCopy(5);
  await site.start();
  await site.publish({ from: 1, sections: [change('(U,1,before,)')] });
  await site.publish({ from: 2, sections: [change('(U,2,before,)')] });
  await site.publish({ from: 3, sections: [{ ...change('(U,3,behind,)'), columns: ['id', 'w'] }] });
  await site.isAt(4);
  await site.publishCopy({ id: 5, attempt: 1, tick: 1, rows: 10, value: 'copied' });
  await eventually(async () =>
    expect((await site.reported()).tables).toMatchObject([{ error: expect.stringMatching(/lacks column "w"/) }]),
  );
  expect(await site.rows("SELECT id FROM t WHERE v = 'before' ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
  await site.client.query('ALTER TABLE t RENAME v TO w');
  await site.isOk();
  expect(await site.rows("SELECT id FROM t WHERE w <> 'copied' ORDER BY id")).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
});
