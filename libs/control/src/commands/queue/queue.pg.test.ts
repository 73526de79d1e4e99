// The commands for queues as people give them, on real databases, in this process.
import { connect } from '@millrace/postgres';
import { installProvider } from '@millrace/provider';
import { createDatabase, query } from '@millrace/testkit';
import { beforeAll, expect, test } from 'vitest';
import { makeQueueSite, type QueueSite } from '../../../test/queue-site.ts';

let site: QueueSite;

beforeAll(async () => {
  site = await makeQueueSite(['jobs']);
});

const rows = (sql: string) => query(site.urls['jobs'] ?? '', sql);

test('a queue is made in a database without schema pgq, by two at once, and again with nothing to do', async () => {
  const both = await Promise.all([
    site.do('queue create', 'mail', '--ticker-max-lag', '0'),
    site.do('queue create', 'mail', '--ticker-max-lag', '0'),
  ]);
  expect(both.map((one) => (one.document as { created: boolean }).created).toSorted()).toEqual([false, true]);
  expect(await site.do('queue config', 'mail')).toMatchObject({
    document: { config: { ticker_max_lag: '00:00:00', ticker_max_count: 500 } },
  });
  const { document } = await site.do('queue list');
  expect(document).toMatchObject({
    queues: [{ database: 'jobs', name: 'mail', set: false, last_tick: 1, consumers: [] }],
    unreachable: [],
  });
});

test('what a queue goes by is shown and set, all of it or nothing, and a wrong key or value is refused by name', async () => {
  await site.do('queue create', 'set');
  const set = await site.do('queue config', 'set', 'ticker_max_count=7', 'queue_rotation-period=never');
  expect(set.document).toMatchObject({ config: { ticker_max_count: 7, rotation_period: null } });
  const wrong = [
    ['ticker_maxcount=7', /no parameter "ticker_maxcount".*ticker_max_count, ticker_max_lag/],
    ['ticker_max_count', /"ticker_max_count" is not KEY=VALUE/],
    ['ticker_max_count=0', /ticker_max_count cannot be "0"; write a whole number from 1 on/],
    ['ticker_max_lag=soon', /ticker_max_lag cannot be "soon"; write a PostgreSQL interval/],
    ['rotation_period=0', /rotation_period cannot be "0"; .*above 0/],
    ['ticker_paused=perhaps', /write true or false/],
  ] as const;
  for (const [pair, message] of wrong) {
    const { error } = await site.run('queue config', 'set', 'ticker_max_lag=9s', pair);
    expect([pair, error?.code, error?.message]).toEqual([pair, 'usage', expect.stringMatching(message)]);
  }
  expect((await site.do('queue config', 'set')).document).toMatchObject({
    config: { ticker_max_lag: '00:00:03', ticker_max_count: 7 },
  });
  expect((await site.run('queue create', 'half', '--ticker-max-count', 'x')).error?.code).toBe('usage');
  expect((await site.run('queue info', 'half')).error?.code).toBe('not-found');
});

test('a queue is dropped when it has no consumers, else with force; dropping it again is nothing, an unknown one an error', async () => {
  await site.do('queue create', 'gone');
  await site.do('consumer register', 'gone', 'c');
  expect((await site.run('queue drop', 'gone')).error).toMatchObject({
    code: 'usage',
    message: expect.stringContaining('--yes'),
  });
  const refused = await site.run('queue drop', 'gone', '--yes');
  expect(refused.error).toMatchObject({ code: 'conflict', message: expect.stringContaining('has consumers: c') });
  expect((await site.do('queue drop', 'gone', '--force', '--yes')).document).toMatchObject({ dropped: true });
  expect((await site.do('queue drop', 'gone', '--yes')).document).toMatchObject({ dropped: false });
  expect((await site.run('queue drop', 'never', '--yes')).error?.code).toBe('not-found');
  await site.do('queue create', 'raced');
  const both = await Promise.all([site.do('queue drop', 'raced', '--yes'), site.do('queue drop', 'raced', '--yes')]);
  expect(both.map((one) => (one.document as { dropped: boolean }).dropped).toSorted()).toEqual([false, true]);
});

test('a tick is made at once; a paused queue, and one with an external ticker, say so', async () => {
  await site.do('queue create', 'ticks');
  await site.do('events insert', 'ticks', 't', 'd');
  expect((await site.do('queue tick', 'ticks')).document).toEqual({ database: 'jobs', queue: 'ticks', tick: 2 });
  expect((await site.do('queue info', 'ticks')).document).toMatchObject({
    oldest_tick: 1,
    queue: { last_tick: 2, new_events: 0 },
  });
  await site.do('queue config', 'ticks', 'ticker_paused=true');
  expect((await site.run('queue tick', 'ticks')).error).toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('is paused'),
  });
  await site.do('queue config', 'ticks', 'ticker_paused=false', 'external_ticker=true');
  expect((await site.run('queue tick', 'ticks')).error?.message).toContain('external ticker');
});

test('consumers are registered, listed, moved and forgotten; those of Millrace itself are not touched', async () => {
  await site.do('queue create', 'read');
  for (const _ of [2, 3]) await site.do('queue tick', 'read');
  expect((await site.do('consumer register', 'read', 'c')).document).toMatchObject({ registered: true, last_tick: 3 });
  expect((await site.do('consumer register', 'read', 'c')).document).toMatchObject({ registered: false, last_tick: 3 });
  expect((await site.run('consumer register', 'read', 'c', '--at', '1')).error?.code).toBe('conflict');
  const both = await Promise.all([
    site.do('consumer register', 'read', 'raced'),
    site.do('consumer register', 'read', 'raced'),
  ]);
  expect(both.map((one) => (one.document as { registered: boolean }).registered).toSorted()).toEqual([false, true]);
  await site.do('consumer unregister', 'read', 'raced', '--yes');
  expect((await site.do('consumer register', 'read', 'old', '--at', '2')).document).toMatchObject({ last_tick: 2 });
  expect((await site.run('consumer register', 'read', 'x', '--at', '99')).error?.code).toBe('not-found');
  expect((await site.do('consumer seek', 'read', 'c', '--start')).document).toMatchObject({ from_tick: 3, tick: 1 });
  expect((await site.do('consumer seek', 'read', 'c', '--tick', '2')).document).toMatchObject({
    from_tick: 1,
    tick: 2,
  });
  expect((await site.do('consumer seek', 'read', 'c', '--time', 'now')).document).toMatchObject({ tick: 3 });
  expect((await site.run('consumer seek', 'read', 'c', '--time', '1999-01-01')).error?.code).toBe('not-found');
  expect((await site.run('consumer seek', 'read', 'c', '--time', 'whenever')).error?.code).toBe('usage');
  expect((await site.run('consumer seek', 'read', 'c')).error?.code).toBe('usage');
  expect((await site.do('consumer seek', 'read', 'old', '--end')).document).toMatchObject({ from_tick: 2, tick: 3 });
  const { document } = await site.do('consumer list', 'read');
  expect((document as { consumers: { name: string }[] }).consumers.map(({ name }) => name)).toEqual(['c', 'old']);
  for (const verb of ['register', 'unregister', 'seek']) {
    const more = verb === 'seek' ? ['--end'] : verb === 'unregister' ? ['--yes'] : [];
    const { error } = await site.run(`consumer ${verb}`, 'read', 'millrace.eu', ...more);
    expect([verb, error?.code]).toEqual([verb, 'usage']);
  }
  expect((await site.run('consumer unregister', 'read', 'c')).error?.message).toContain('--yes');
  expect((await site.do('consumer unregister', 'read', 'c', '--yes')).document).toMatchObject({ unregistered: 1 });
  expect((await site.do('consumer unregister', 'read', 'c', '--yes')).document).toMatchObject({ unregistered: 0 });
});

test('events are put in, one or many lines, and looked at without opening a batch', async () => {
  await site.do('queue create', 'seen');
  await site.do('consumer register', 'seen', 'c');
  await site.do('events insert', 'seen', 'a', 'one', '--extra1', 'x', '--extra4', 'y');
  const lines = ['{"type":"b","data":{"n":1}}', '', '{"type":"b","data":null,"extra2":"z"}'];
  expect((await site.type(lines, 'events insert', 'seen', '--stdin')).document).toMatchObject({ ids: [2, 3] });
  const bad = await site.type(['{"type":"b"}', '{"typ":1}'], 'events insert', 'seen', '--stdin');
  expect(bad.error).toMatchObject({ code: 'usage', message: expect.stringContaining('line 2 is not an event') });
  expect((await site.run('events insert', 'seen', 'a')).error?.code).toBe('usage');
  expect((await site.do('events peek', 'seen', 'c')).document).toMatchObject({ tick: null, events: [] });
  await site.do('queue tick', 'seen');
  await site.do('events insert', 'seen', 'later', 'four');
  await site.do('queue tick', 'seen');
  const peeked = (await site.do('events peek', 'seen', 'c')).document as { events: { id: number }[] };
  expect(peeked).toMatchObject({
    prev_tick: 1,
    tick: 3,
    batch: null,
    events: [
      { id: 1, type: 'a', data: 'one', extra1: 'x', extra2: null, extra4: 'y', retry: null },
      { id: 2, type: 'b', data: '{"n":1}' },
      { id: 3, type: 'b', data: null, extra2: 'z' },
      { id: 4, type: 'later' },
    ],
  });
  const some = (await site.do('events peek', 'seen', 'c', '--limit', '2')).document as { events: { id: number }[] };
  expect(some.events.map(({ id }) => id)).toEqual([1, 2]);
  const batch = (await site.do('events peek', 'seen', '--tick', '3')).document as { events: { id: number }[] };
  expect(batch.events.map(({ id }) => id)).toEqual([4]);
  expect(
    await rows(
      "SELECT sub_batch FROM pgq.subscription s JOIN pgq.queue ON queue_id = sub_queue WHERE queue_name = 'seen'",
    ),
  ).toEqual([{ sub_batch: null }]);
  expect((await site.run('events peek', 'seen', 'nobody')).error?.code).toBe('not-found');
  expect((await site.run('events peek', 'seen', '--tick', '77')).error?.code).toBe('not-found');
});

test('events that wait to be tried again are listed, and put back now, all or some', async () => {
  await site.do('queue create', 'again');
  await site.do('consumer register', 'again', 'c');
  for (const n of [1, 2, 3]) await site.do('events insert', 'again', 't', String(n));
  await site.do('queue tick', 'again');
  const [batch] = await rows("SELECT pgq.next_batch('again', 'c') AS id");
  await rows(`SELECT pgq.batch_retry(${batch?.['id']}, 3600), pgq.finish_batch(${batch?.['id']})`);
  const waiting = (await site.do('events retry', 'again', 'c')).document as { waiting: { id: number }[] };
  expect(waiting).toMatchObject({ released: 0, waiting: [{ id: 1, retry: 1 }, { id: 2 }, { id: 3 }] });
  expect((await site.do('events retry', 'again', 'c', '--event', '2', '--event', '99')).document).toMatchObject({
    released: 1,
    waiting: [{ id: 1 }, { id: 3 }],
  });
  expect((await site.do('events retry', 'again', 'c', '--now')).document).toMatchObject({ released: 2, waiting: [] });
  expect((await site.do('events retry', 'again', 'c', '--now')).document).toMatchObject({ released: 0 });
  await site.do('queue tick', 'again');
  const { events } = (await site.do('events peek', 'again', 'c')).document as {
    events: { id: number; retry: number }[];
  };
  expect(events.map(({ id, retry }) => [id, retry])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
});

test('the audit says who did what to which queue, and never what an event holds', async () => {
  await site.do('queue create', 'audited');
  await site.do('events insert', 'audited', 'kind', 'SECRET');
  const found = await rows(
    "SELECT actor, what, arguments, outcome FROM millrace.audit WHERE queue = 'audited' ORDER BY id",
  );
  expect(found).toEqual([
    { actor: 'tester@here', what: 'queue create', arguments: 'audited', outcome: 'done' },
    { actor: 'tester@here', what: 'events insert', arguments: 'audited kind', outcome: 'done' },
  ]);
  const shown = (await site.do('audit', '--database', 'jobs', '--queue', 'audited')).document as {
    entries: { what: string }[];
  };
  expect(shown.entries.map(({ what }) => what)).toEqual(['events insert', 'queue create']);
});

test('the queue of a set is listed and looked at, and its own verbs alone change it', async () => {
  const { url } = await createDatabase();
  const client = await connect(url, { applicationName: 'test' });
  await installProvider(client).finally(() => client.end());
  await query(url, "SELECT millrace.create_set('shop')");
  const shop = await makeQueueSite([], { provider: url });
  expect((await shop.do('queue list')).document).toMatchObject({
    queues: [{ database: 'provider', name: 'shop', set: true }],
  });
  expect((await shop.run('queue drop', 'shop', '--force', '--yes')).error?.code).toBe('conflict');
  expect((await shop.run('events insert', 'shop', 't', 'd')).error?.code).toBe('conflict');
  expect((await shop.do('queue tick', 'shop')).document).toMatchObject({ database: 'provider', tick: 2 });
});

test('a database is chosen by name; several without a provider want a name; one that is down is reported with --all', async () => {
  const two = await makeQueueSite(['one', 'two']);
  await two.do('queue create', 'q', '--database', 'two');
  expect((await two.run('queue list')).error).toMatchObject({
    code: 'config',
    message: expect.stringContaining('--database NAME'),
  });
  expect((await two.run('queue list', '--database', 'three')).error?.message).toContain('it has one, two');
  const all = await two.run('queue list', '--all');
  expect(all).toMatchObject({
    code: 1,
    document: { queues: [{ database: 'two', name: 'q' }], unreachable: [{ database: 'one', code: 'not-installed' }] },
  });
  await two.do('install');
  expect((await two.do('queue list', '--all')).document).toMatchObject({ unreachable: [] });
  expect((await two.run('queue create', ' x', '--database', 'one')).error?.code).toBe('usage');
  expect((await two.do('queue top', '--count', '2', '--every', '100ms')).document).toMatchObject({
    queues: [{ name: 'q' }],
  });
});
