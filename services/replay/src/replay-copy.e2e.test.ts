import { type Bus, connectBus, deleteStream, ensureStream, getKey } from '@millrace/bus';
import { armFailpoints, type Service } from '@millrace/lifecycle';
import { busToken } from '@millrace/model';
import { addTable, moveTable, setCopy } from '@millrace/subscriber';
import { createDatabase, eventually, query, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import {
  batchSubject,
  bucketName,
  copyStreamName,
  copySubject,
  encodeMessage,
  type Report,
  report as reportSchema,
  sha256Hex,
  streamName,
} from '@millrace/wire';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  messagesOf,
  provider,
  type TestBatch,
  type TestSection,
  TestSubscriber,
  tickOf,
} from '../test/test-batches.ts';
import { type ReplayOptions, replayDefaults } from './config.ts';
import { makeReplay } from './replay.ts';

const t = { schema: 'public', name: 't' };
const columns = ['id', 'v'];
const insert = (...records: string[]): TestSection => ({ table: t, form: 'insert', columns, key: ['id'], records });
const change = (...records: string[]): TestSection => ({ table: t, form: 'change', columns, key: ['id'], records });

let bus: Bus;
let site: TestSubscriber;
let queue: string;
let options: ReplayOptions;
const running: Service[] = [];

beforeEach(async () => {
  queue = uniqueName('replay');
  const { url } = await createDatabase({ major: 18 });
  site = await TestSubscriber.open(url, { queue });
  await site.tables('CREATE TABLE t (id int PRIMARY KEY, v text)', t);
  bus = await connectBus(sharedNatsUrl(), { name: 'test' });
  await makeStreams();
  options = {
    ...replayDefaults,
    queue,
    subscriber: 'eu',
    subscriberUrl: url,
    busUrl: () => sharedNatsUrl(),
    idleMs: 100,
    retryMs: 300,
    standbyMs: 100,
    chunkTimeoutMs: 1500,
  };
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
  for (const stream of [streamName(queue), copyStreamName(queue), `KV_${bucketName(queue)}`])
    await deleteStream(bus, stream);
  await bus.close();
  await site.close();
});

async function makeStreams(): Promise<void> {
  const token = busToken(queue);
  await ensureStream(bus, {
    name: streamName(queue),
    subjects: [`millrace.${token}.batch`, `millrace.${token}.backfill.*`],
    maxBytes: 64 << 20,
  });
  await ensureStream(bus, { name: copyStreamName(queue), subjects: [`millrace.${token}.copy.*`], maxBytes: 64 << 20 });
}

async function start(changes: Partial<ReplayOptions> = {}): Promise<Service> {
  const service = makeReplay({ ...options, ...changes });
  running.push(service);
  await service.start();
  return service;
}

async function put(subject: string, data: readonly Uint8Array[]): Promise<void> {
  for (const bytes of data) await bus.connection.request(subject, bytes);
}

async function publish(batch: Omit<TestBatch, 'queue'>, subject = batchSubject(queue)): Promise<void> {
  await put(
    subject,
    messagesOf({ queue, ...batch }).map(({ header, body }) => encodeMessage(header, [body])),
  );
}

async function reported(): Promise<Report> {
  const value = await getKey(bus, bucketName(queue), 'eu');
  return reportSchema.parse(JSON.parse(value?.toString() ?? 'null'));
}

const ids = async () => (await query<{ id: number }>(site.url, 'SELECT id FROM t ORDER BY id')).map((row) => row.id);
const isAt = (tick: number) => eventually(async () => expect(await site.position()).toBe(tick));

async function publishCopy(copy: {
  id: number;
  attempt: number;
  tick: number;
  rows: number;
  value: string;
  leaveOut?: number;
  /** Only these chunks. */
  part?: (chunk: number) => boolean;
}): Promise<void> {
  const text = Array.from({ length: copy.rows }, (_, n) => `${n}\t${copy.value}\n`).join('');
  const bodies = text.match(/[\s\S]{1,500}/g)?.map((part) => Buffer.from(part)) ?? [Buffer.alloc(0)];
  const messages = bodies.map((body, chunk) => {
    const last = chunk === bodies.length - 1;
    const header = {
      v: 1 as const,
      kind: 'copy' as const,
      provider,
      queue,
      copy: copy.id,
      attempt: copy.attempt,
      table: t,
      columns,
      tick: tickOf(copy.tick),
      chunk,
      last,
      bytes: body.length,
      sha256: sha256Hex([body]),
      ...(last ? { rows: copy.rows } : {}),
    };
    return encodeMessage(header, [body]);
  });
  await put(
    copySubject(queue, copy.id),
    messages.filter((_, chunk) => chunk !== copy.leaveOut && (copy.part?.(chunk) ?? true)),
  );
}

async function askForCopy(id: number): Promise<void> {
  await site.client.query('DELETE FROM millrace.subscribed_table');
  await addTable(site.client, queue, t);
  await setCopy(site.client, queue, t, id);
}

const isOk = () => eventually(async () => expect((await reported()).tables).toMatchObject([{ state: 'ok' }]));

test('a copy is loaded, rows that were there are replaced, and what changed meanwhile is applied after it', async () => {
  await site.client.query("INSERT INTO t VALUES (5, 'old'), (777, 'old')");
  await askForCopy(4);
  await start();
  await publish({ from: 1, sections: [change('(U,5,early,)')] });
  await publish({
    from: 2,
    sections: [
      change('(U,6,late,)', '(I,2000,new,)'),
      { table: t, form: 'change', columns: ['id'], key: ['id'], records: ['(D,7,)'] },
    ],
  });
  await isAt(3);
  await publishCopy({ id: 4, attempt: 1, tick: 2, rows: 1000, value: 'copied' });
  await isOk();
  await publish({ from: 3, sections: [change('(U,2000,newer,)')] });
  await isAt(4);
  expect(await site.rows("SELECT count(*)::int AS n, count(*) FILTER (WHERE v = 'copied')::int AS c FROM t")).toEqual([
    { n: 1000, c: 998 },
  ]);
  expect(await site.rows('SELECT id, v FROM t WHERE id IN (5, 6, 7, 2000) ORDER BY id')).toEqual([
    { id: 5, v: 'copied' },
    { id: 6, v: 'late' },
    { id: 2000, v: 'newer' },
  ]);
  expect(await site.rows('SELECT count(*)::int AS n FROM millrace.pending')).toEqual([{ n: 0 }]);
  expect((await reported()).tables).toMatchObject([{ copied_rows: 1000 }]);
});

test('a copy ahead of the position waits for it; what it has already is not applied again', async () => {
  await askForCopy(4);
  await start();
  await publishCopy({ id: 4, attempt: 1, tick: 3, rows: 10, value: 'copied' });
  await eventually(async () => expect((await reported()).tables).toMatchObject([{ state: 'catching-up' }]));
  await publish({ from: 1, sections: [insert('1,a')] });
  await publish({ from: 2, sections: [change('(U,1,b,)')] });
  await publish({ from: 3, sections: [change('(U,2,after,)')] });
  await isAt(4);
  await isOk();
  expect(await site.rows('SELECT id, v FROM t WHERE id < 3 ORDER BY id')).toEqual([
    { id: 0, v: 'copied' },
    { id: 1, v: 'copied' },
    { id: 2, v: 'after' },
  ]);
});

test('a broken copy is reported and the next attempt begins anew; a missing column is told and waited for', async () => {
  await askForCopy(9);
  await start();
  await publishCopy({ id: 9, attempt: 1, tick: 1, rows: 500, value: 'first', leaveOut: 3 });
  await eventually(async () =>
    expect((await reported()).tables).toMatchObject([{ state: 'copying', broken: true, copy: { id: 9, attempt: 1 } }]),
  );
  await site.client.query('ALTER TABLE t RENAME v TO w').catch(() => {});
  await publishCopy({ id: 9, attempt: 2, tick: 1, rows: 500, value: 'second' });
  await eventually(async () =>
    expect((await reported()).tables).toMatchObject([{ error: expect.stringMatching(/lacks column "v"/) }]),
  );
  await eventually(async () =>
    expect(await site.rows('SELECT error FROM millrace.subscribed_table')).toMatchObject([
      { error: expect.stringMatching(/lacks column "v"/) },
    ]),
  );
  await site.client.query('ALTER TABLE t RENAME w TO v');
  await isOk();
  expect(await site.rows("SELECT count(*)::int AS n FROM t WHERE v = 'second'")).toEqual([{ n: 500 }]);
});

test.each([1, 3])(
  'a load that was broken off goes on with what it has, though the bus has lost the beginning: %i lanes',
  async (lanes) => {
    const copies = { directBytes: 0, partBytes: 1500, lanes };
    await site.client.query("INSERT INTO t VALUES (5, 'old'), (77777, 'old')");
    await askForCopy(6);
    const first = await start({ copies });
    const copy = { id: 6, attempt: 1, tick: 1, rows: 3000, value: 'copied' };
    await publishCopy({ ...copy, part: (chunk) => chunk < 40 });
    const staged = async () =>
      Number((await site.rows('SELECT sum(rows) AS n FROM millrace.copy_part'))[0]?.['n'] ?? 0);
    await eventually(async () => expect(await staged()).toBeGreaterThan(300));
    expect(await site.rows('SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }]);
    await first.stop();
    expect(await staged()).toBeGreaterThan(300);
    await bus.connection.request(`$JS.API.STREAM.PURGE.${copyStreamName(queue)}`, JSON.stringify({ seq: 3 }));
    await publishCopy({ ...copy, part: (chunk) => chunk >= 40 });
    await start({ copies });
    await isOk();
    expect(await site.rows("SELECT count(*)::int AS n, count(*) FILTER (WHERE v = 'copied')::int AS c FROM t")).toEqual(
      [{ n: 3000, c: 3000 }],
    );
    expect(await site.rows('SELECT copy_attempt FROM millrace.subscribed_table')).toEqual([{ copy_attempt: 1 }]);
    expect(await site.rows(`SELECT relname FROM pg_class WHERE relname ~ '^copy_[0-9]'`)).toEqual([]);
    expect(await site.rows('SELECT * FROM millrace.copy_part')).toEqual([]);
  },
);

test('a copy that is refused holds the table, which takes nothing more until a new copy is asked for', async () => {
  await site.client.query("ALTER TABLE t ADD CONSTRAINT short CHECK (v <> 'bad')");
  await askForCopy(7);
  await start();
  await publishCopy({ id: 7, attempt: 1, tick: 1, rows: 100, value: 'bad' });
  await eventually(async () =>
    expect((await reported()).tables).toMatchObject([
      {
        state: 'held',
        copy: { id: 7 },
        error: expect.stringMatching(/check constraint "short" at the subscriber refused a row$/),
      },
    ]),
  );
  await publish({ from: 1, sections: [change('(U,5,late,)')] });
  await isAt(2);
  expect(await site.rows('SELECT count(*)::int AS n FROM millrace.pending')).toEqual([{ n: 0 }]);
  expect(await ids()).toEqual([]);
  await moveTable(site.client, queue, t, { to: 'registered', error: null });
  await setCopy(site.client, queue, t, 8);
  await publishCopy({ id: 8, attempt: 1, tick: 2, rows: 100, value: 'good' });
  await isOk();
  expect((await ids()).length).toBe(100);
});

test.each([
  'replay.copy-begun',
  'replay.copy-chunk',
  'replay.copy-before-commit',
  'replay.copy-after-commit',
  'replay.finish-before-commit',
])('a copy with a fault at %s is loaded once', async (name) => {
  await askForCopy(3);
  const disarm = armFailpoints(`${name}=throw@1`);
  await start();
  await publishCopy({ id: 3, attempt: 1, tick: 1, rows: 100, value: 'x' });
  await isOk();
  disarm();
  expect((await ids()).length).toBe(100);
});

test('a renaming among the changes kept during a copy: they are applied up to it, and on when it is renamed here', async () => {
  await askForCopy(5);
  await start();
  await publish({ from: 1, sections: [change('(U,1,before,)')] });
  await publish({ from: 2, sections: [change('(U,2,before,)')] });
  await publish({ from: 3, sections: [{ ...change('(U,3,behind,)'), columns: ['id', 'w'] }] });
  await isAt(4);
  await publishCopy({ id: 5, attempt: 1, tick: 1, rows: 10, value: 'copied' });
  await eventually(async () =>
    expect((await reported()).tables).toMatchObject([{ error: expect.stringMatching(/lacks column "w"/) }]),
  );
  expect(await site.rows("SELECT id FROM t WHERE v = 'before' ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
  await site.client.query('ALTER TABLE t RENAME v TO w');
  await isOk();
  expect(await site.rows("SELECT id FROM t WHERE w <> 'copied' ORDER BY id")).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
});
