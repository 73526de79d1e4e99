import { deleteStream } from '@millrace/bus';
import type { TableName } from '@millrace/model';
import { forceTick, requestCopy } from '@millrace/provider';
import { eventually } from '@millrace/testkit';
import { type CopyHeader, copyStreamName, copySubject, decodeMessage } from '@millrace/wire';
import { expect, test } from 'vitest';
import { type Bench, copying, makeBench, register, sendReport, writeBatch } from '../../test/bench.ts';
import type { CaptureOptions } from '../config.ts';

const table: TableName = { schema: 'public', name: 'Big "t"' };

async function chunks(bench: Bench, id: number): Promise<{ header: CopyHeader; body: Buffer }[]> {
  const found: { header: CopyHeader; body: Buffer }[] = [];
  const info = await bench.bus.streams.streams.info(copyStreamName(bench.queue)).catch(() => undefined);
  if (info === undefined) return [];
  for (let sequence = info.state.first_seq; sequence > 0 && sequence <= info.state.last_seq; sequence += 1) {
    const message = await bench.bus.streams.streams.getMessage(copyStreamName(bench.queue), { seq: sequence });
    if (message?.subject !== copySubject(bench.queue, id)) continue;
    const { header, body } = decodeMessage(message.data);
    if (header.kind === 'copy') found.push({ header, body: Buffer.from(body) });
  }
  return found;
}

async function whole(bench: Bench, id: number, attempt: number) {
  return eventually(async () => {
    const all = (await chunks(bench, id)).filter((one) => one.header.attempt === attempt);
    expect(all.at(-1)?.header.last).toBe(true);
    expect(all.map((one) => one.header.chunk)).toEqual(all.map((_, i) => i));
    return all;
  });
}

const stateOf = async (bench: Bench, id: number) =>
  (await bench.client.query('SELECT state, attempt, rows FROM millrace.copy_request WHERE copy_id = $1', [id])).rows[0];

async function withTable(
  rows: number,
  more: Partial<CaptureOptions> = {},
): Promise<{ bench: Bench; from: Awaited<ReturnType<typeof register>>; id: number }> {
  const bench = await makeBench();
  await bench.client.query(`CREATE TABLE "Big ""t""" (id int PRIMARY KEY, "a b" text, gen int GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE child () INHERITS ("Big ""t""");
    INSERT INTO child VALUES (-1, 'not part of it');
    INSERT INTO "Big ""t""" SELECT g, E'x\\\\\\n\\t' || repeat('y', 100) FROM generate_series(1, ${rows}) g`);
  const from = await register(bench, 'eu');
  const id = await requestCopy(bench.client, { queue: bench.queue, table, subscribers: ['eu'] });
  await bench.start(more).start();
  return { bench, from, id };
}

test('a table is sent as of one tick, without its generated columns and children, and is done when the subscriber has it', async () => {
  const { bench, from, id } = await withTable(30_000);
  await sendReport(bench, 'eu', from);
  const all = await whole(bench, id, 1);
  const text = Buffer.concat(all.map((one) => one.body)).toString();
  expect(text.split('\n').length - 1).toBe(30_000);
  expect(text).toContain(`17\tx\\\\\\n\\t${'y'.repeat(100)}\n`);
  expect(all[0]?.header).toMatchObject({ columns: ['id', 'a b'], table, chunk: 0 });
  expect(all.at(-1)?.header.rows).toBe(30_000);
  const { tick, fingerprint } = all[0]?.header.tick ?? from;
  const { rows } = await bench.client.query('SELECT fingerprint FROM millrace.tick_info($1, $2)', [bench.queue, tick]);
  expect(rows[0].fingerprint).toBe(fingerprint);
  await sendReport(bench, 'eu', from, { tables: [copying(table, { id, attempt: 1, chunk: all.length - 1 }, 'ok')] });
  await eventually(async () => expect(await stateOf(bench, id)).toMatchObject({ state: 'done', rows: '30000' }));
  await eventually(async () => expect(await chunks(bench, id)).toEqual([]));
});

test('several sessions read one table as of one tick, while its rows change and move; a row larger than a chunk stays in one piece', async () => {
  const bench = await makeBench();
  await bench.client.query(`CREATE TABLE much (n int, id int PRIMARY KEY, t text); ALTER TABLE much ALTER t SET STORAGE EXTERNAL;
    INSERT INTO much SELECT 0, g, repeat('x', CASE WHEN g % 4000 = 0 THEN 2500000 ELSE 40 END) FROM generate_series(1, 20000) g`);
  const from = await register(bench, 'eu');
  const much = { schema: 'public', name: 'much' };
  const id = await requestCopy(bench.client, { queue: bench.queue, table: much, subscribers: ['eu'] });
  const stop = new AbortController();
  const session = await bench.open();
  const writing = (async () => {
    for (let n = 0; n < 20 && !stop.signal.aborted; n += 1)
      await session.query('UPDATE much SET n = n + 1 WHERE id % 4000 <> 0');
  })();
  await bench.start({ copyReaders: 3, copyPartPages: 20 }).start();
  const all = await eventually(
    async () => {
      await sendReport(bench, 'eu', from);
      const found = await chunks(bench, id);
      expect(found.at(-1)?.header.last).toBe(true);
      return found;
    },
    { timeoutMs: 40_000, everyMs: 300 },
  );
  stop.abort();
  await writing;
  expect(all.map((one) => one.header.chunk)).toEqual(all.map((_, n) => n));
  const rows = Buffer.concat(all.map((one) => one.body))
    .toString()
    .split('\n')
    .slice(0, -1);
  expect(all.at(-1)?.header.rows).toBe(20_000);
  const fields = rows.map((row) => row.split('\t'));
  expect(new Set(fields.map(([, key]) => key)).size).toBe(20_000);
  expect(new Set(fields.filter(([, key]) => Number(key) % 4000 !== 0).map(([n]) => n)).size).toBe(1);
  expect(fields.filter(([, , text]) => text?.length === 2_500_000)).toHaveLength(5);
  expect(fields.every((row) => row.length === 3)).toBe(true);
});

test('partitions are read by several sessions as of one tick, whatever their columns are in order, while rows move between them', async () => {
  const bench = await makeBench();
  await bench.client.query(`CREATE TABLE wide (id int, part int, t text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
    CREATE TABLE wide_0 PARTITION OF wide FOR VALUES IN (0);
    CREATE TABLE wide_1 (t text, gone int, part int NOT NULL, id int NOT NULL); ALTER TABLE wide_1 DROP gone;
    ALTER TABLE wide ATTACH PARTITION wide_1 FOR VALUES IN (1);
    CREATE TABLE wide_more PARTITION OF wide DEFAULT PARTITION BY LIST (part);
    CREATE TABLE wide_2 PARTITION OF wide_more FOR VALUES IN (2); CREATE TABLE wide_rest PARTITION OF wide_more DEFAULT;
    INSERT INTO wide SELECT g, g % 3, 'row ' || g || repeat('x', 100) FROM generate_series(1, 9000) g`);
  const from = await register(bench, 'eu');
  const wide = { schema: 'public', name: 'wide' };
  const id = await requestCopy(bench.client, { queue: bench.queue, table: wide, subscribers: ['eu'] });
  const stop = new AbortController();
  const session = await bench.open();
  const moving = (async () => {
    while (!stop.signal.aborted) await session.query('UPDATE wide SET part = (part + 1) % 3');
  })();
  await bench.start({ copyReaders: 3, copyPartPages: 5 }).start();
  const all = await eventually(
    async () => {
      await sendReport(bench, 'eu', from);
      const found = await chunks(bench, id);
      expect(found.at(-1)?.header.last).toBe(true);
      return found;
    },
    { timeoutMs: 40_000, everyMs: 300 },
  );
  stop.abort();
  await moving;
  const rows = Buffer.concat(all.map((one) => one.body))
    .toString()
    .split('\n')
    .slice(0, -1);
  expect(all.at(-1)?.header.rows).toBe(9000);
  const fields = rows.map((row) => row.split('\t'));
  expect(new Set(fields.map(([key]) => key)).size).toBe(9000);
  // All rows moved as often: those of one tick tell the same distance.
  expect(new Set(fields.map(([key, part]) => (Number(part) - Number(key) + 9000 * 3) % 3)).size).toBe(1);
  expect(fields.every(([key, , text]) => text === `row ${key}${'x'.repeat(100)}`)).toBe(true);
});

test('an empty table is one chunk', async () => {
  const { bench, from, id } = await withTable(0);
  await sendReport(bench, 'eu', from);
  const all = await whole(bench, id, 1);
  expect(all).toHaveLength(1);
  expect(all[0]?.header).toMatchObject({ rows: 0, bytes: 0 });
});

test('a copy that a subscriber calls broken begins anew, later than what it saw', async () => {
  const { bench, from, id } = await withTable(100);
  await sendReport(bench, 'eu', from);
  const first = await whole(bench, id, 1);
  await writeBatch(bench, ['1']);
  const entry = { ...copying(table, { id, attempt: 1, chunk: -1 + 1 }), broken: true };
  await eventually(async () => expect((await stateOf(bench, id)).rows).toBe('100'));
  await sendReport(bench, 'eu', from, { tables: [entry] });
  const second = await whole(bench, id, 2);
  expect(second[0]?.header.tick.tick).toBeGreaterThan(first[0]?.header.tick.tick ?? 0);
});

test('a copy whose stream is wiped before the subscriber has it begins anew', async () => {
  const { bench, from, id } = await withTable(100);
  await sendReport(bench, 'eu', from);
  await whole(bench, id, 1);
  await deleteStream(bench.bus, copyStreamName(bench.queue));
  await eventually(
    async () => {
      await sendReport(bench, 'eu', from);
      expect((await stateOf(bench, id)).attempt).toBe(2);
    },
    { timeoutMs: 20_000, everyMs: 500 },
  );
  await whole(bench, id, 2);
});

test('nothing is copied for a subscriber that is not there, and a restarted capture goes on', async () => {
  const { bench, from, id } = await withTable(100);
  await writeBatch(bench, ['1']);
  expect(await stateOf(bench, id)).toMatchObject({ state: 'wanted', attempt: 0 });
  await sendReport(bench, 'eu', from);
  await whole(bench, id, 1);
});

test('a copy runs no further ahead than its slowest subscriber allows, and leaves one behind that takes nothing', async () => {
  const bench = await makeBench();
  await bench.client.query(`CREATE TABLE wide (id int PRIMARY KEY, t text); ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
    INSERT INTO wide SELECT g, repeat('z', 1000000) FROM generate_series(1, 100) g`);
  const [eu, us] = [await register(bench, 'eu'), await register(bench, 'us')];
  const wide = { schema: 'public', name: 'wide' };
  const id = await requestCopy(bench.client, { queue: bench.queue, table: wide, subscribers: ['eu', 'us'] });
  await sendReport(bench, 'eu', eu);
  await sendReport(bench, 'us', us);
  await bench.start({ copyTimeoutMs: 2000 }).start();
  const stored = async () => (await bench.bus.streams.streams.info(copyStreamName(bench.queue))).state;
  await eventually(async () => expect((await stored()).messages).toBeGreaterThan(60));
  expect((await stored()).bytes).toBeLessThan(66 * 1024 * 1024);
  await eventually(
    async () => {
      const chunk = (await stored()).messages - 1;
      await sendReport(bench, 'eu', eu, { tables: [copying(wide, { id, attempt: 1, chunk })] });
      await sendReport(bench, 'us', us);
      expect(await stateOf(bench, id)).toMatchObject({ attempt: 1, rows: '100' });
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
});

// A rewrite (ALTER TABLE … TYPE) leaves nothing that a snapshot from before it could see: a copy that took its snapshot and then
// waited for the table would be empty, and nobody would know.
test('a table that is rewritten just when its copy begins is copied whole', async () => {
  const { bench, from, id } = await withTable(1000);
  const altering = await bench.open();
  await altering.query('BEGIN');
  await altering.query(`ALTER TABLE "Big ""t""" ALTER "a b" TYPE text USING "a b" || ''`);
  await sendReport(bench, 'eu', from);
  await eventually(async () => {
    await sendReport(bench, 'eu', from);
    const { rows } = await bench.client.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = '"Big ""t"""'::regclass`,
    );
    expect(rows).toHaveLength(1);
  });
  const ticked = await forceTick(bench.client, bench.queue);
  await altering.query('COMMIT');
  const all = await eventually(async () => {
    await sendReport(bench, 'eu', from);
    const found = await chunks(bench, id);
    expect(found.at(-1)?.header.last).toBe(true);
    return found;
  });
  expect(all.at(-1)?.header.rows).toBe(1000);
  expect(all[0]?.header.tick.tick).toBeGreaterThan(ticked.tick);
});

test('a copy that waits for the database does not keep capture from stopping', async () => {
  const bench = await makeBench();
  await bench.client.query('CREATE TABLE held (id int PRIMARY KEY)');
  const from = await register(bench, 'eu');
  await requestCopy(bench.client, {
    queue: bench.queue,
    table: { schema: 'public', name: 'held' },
    subscribers: ['eu'],
  });
  const holding = await bench.open();
  await holding.query('BEGIN');
  await holding.query('SELECT millrace.lock_ticks($1)', [bench.queue]);
  const capture = bench.start();
  await capture.start();
  await eventually(async () => {
    await sendReport(bench, 'eu', from);
    const { rows } = await bench.client.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    expect(rows).toHaveLength(1);
  });
  const stopped = capture.stop().then(() => 'stopped');
  expect(await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, 5000, 'hangs'))])).toBe('stopped');
});
