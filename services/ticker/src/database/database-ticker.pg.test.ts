// The ticker of a database's queues, on a real schema.
import type { Service } from '@millrace/lifecycle';
import { startStopStress } from '@millrace/lifecycle/testing';
import { connect } from '@millrace/postgres';
import { installProvider } from '@millrace/provider';
import { createDatabase, eventually, query, startOwnPostgres } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import type { DatabaseTickerOptions } from '../config.ts';
import { makeTickers } from '../ticker.ts';
import { makeDatabaseTicker } from './database-ticker.ts';

function optionsOf(url: string, more: Partial<DatabaseTickerOptions> = {}): DatabaseTickerOptions {
  const paces = { queuesMs: 20, retryMs: 20, maintenanceMs: 20, statisticsMs: 0, figuresMs: 50, standbyMs: 50 };
  return { database: 'jobs', url, ...paces, ...more };
}

function made(service: Service): Service {
  onTestFinished(() => service.stop());
  return service;
}

async function install(url: string): Promise<void> {
  const client = await connect(url, { applicationName: 'test' });
  await installProvider(client).finally(() => client.end());
}

async function installed(): Promise<string> {
  const { url } = await createDatabase();
  await install(url);
  return url;
}

const quick = (queue: string) => `SELECT pgq.create_queue('${queue}');
  UPDATE pgq.queue SET queue_ticker_max_lag = '0', queue_ticker_idle_period = '1 hour' WHERE queue_name = '${queue}'`;
const ticks = async (url: string, queue: string) =>
  Number((await query(url, `SELECT last_tick_id AS n FROM pgq.get_queue_info('${queue}')`))[0]?.['n']);
/** Whether all events that were put in so far are behind a tick. */
const ticked = async (url: string, queue: string) =>
  (await query(url, `SELECT ev_new = 0 AND last_tick_id > 1 AS yes FROM pgq.get_queue_info('${queue}')`))[0]?.[
    'yes'
  ] === true;
const isReady = (service: Service, role: string) => service.ready().ok && service.ready().role === role;

test('each queue ticks by its own rule; a new one is noticed; paused and external ones and sets are left alone', async () => {
  const url = await installed();
  const names = ['a', 'paused', 'external'];
  for (const name of names) await query(url, quick(name));
  await query(url, `SELECT millrace.create_set('shop')`);
  await query(url, `SELECT pgq.set_queue_config('paused', 'ticker_paused', 'true')`);
  await query(url, `SELECT pgq.set_queue_config('external', 'external_ticker', 'true')`);
  const before = {
    paused: await ticks(url, 'paused'),
    external: await ticks(url, 'external'),
    shop: await ticks(url, 'shop'),
  };
  const ticker = made(makeDatabaseTicker(optionsOf(url)));
  await ticker.start();
  await eventually(() => isReady(ticker, 'leader'));
  await query(url, quick('later'));
  for (const name of [...names, 'later']) await query(url, `SELECT pgq.insert_event('${name}', 't', 'd')`);
  for (const name of ['a', 'later']) await eventually(() => ticked(url, name));
  await query(url, `SELECT pgq.insert_event('a', 't', 'd')`);
  await eventually(() => ticked(url, 'a'));
  expect({
    paused: await ticks(url, 'paused'),
    external: await ticks(url, 'external'),
    shop: await ticks(url, 'shop'),
  }).toEqual(before);
});

test('a queue that cannot be ticked keeps no other from ticking', async () => {
  const url = await installed();
  for (const name of ['a', 'b']) await query(url, quick(name));
  // As after a restored dump: the last tick is of a transaction that is yet to come.
  await query(
    url,
    `UPDATE pgq.tick SET tick_snapshot = '900000000:900000000:' FROM pgq.queue WHERE queue_id = tick_queue AND queue_name = 'a'`,
  );
  const ticker = made(makeDatabaseTicker(optionsOf(url)));
  await ticker.start();
  for (const name of ['a', 'b']) await query(url, `SELECT pgq.insert_event('${name}', 't', 'd')`);
  await eventually(() => ticked(url, 'b'));
  expect(await ticks(url, 'a')).toBe(1);
});

test('events come back when their time has come, and event tables are rotated, each step in a transaction of its own', async () => {
  const url = await installed();
  await query(url, quick('a'));
  await query(
    url,
    `SELECT pgq.register_consumer('a', 'c'); SELECT pgq.event_retry_raw('a', 'c', now(), NULL, now(), 1, 't', 'd', NULL, NULL, NULL, NULL)`,
  );
  await query(url, `SELECT pgq.set_queue_config('a', 'rotation_period', '1 microsecond')`);
  const ticker = made(makeDatabaseTicker(optionsOf(url)));
  await ticker.start();
  await eventually(async () => expect(await ticks(url, 'a')).toBeGreaterThan(1));
  expect(await query(url, 'SELECT FROM pgq.retry_queue')).toHaveLength(0);
  await eventually(async () => {
    const [queue] = await query(
      url,
      'SELECT queue_cur_table > 0 AS rotated, queue_switch_step2 > queue_switch_step1 AS apart FROM pgq.queue',
    );
    expect(queue).toEqual({ rotated: true, apart: true });
  });
});

test('a database without schema pgq is waited for, and nothing is made in it', async () => {
  const { url } = await createDatabase();
  const ticker = made(makeDatabaseTicker(optionsOf(url)));
  await ticker.start();
  await eventually(() => ticker.ready().reasons.some((reason) => reason.includes('database jobs has no schema pgq')));
  expect(await query(url, `SELECT FROM pg_namespace WHERE nspname IN ('pgq', 'millrace')`)).toHaveLength(0);
  await install(url);
  await eventually(() => isReady(ticker, 'leader'));
});

test('of two tickers one stands by, and takes over when the session of the leader is killed', async () => {
  const url = await installed();
  await query(url, quick('a'));
  const [first, second] = [made(makeDatabaseTicker(optionsOf(url))), made(makeDatabaseTicker(optionsOf(url)))];
  await first.start();
  await eventually(() => isReady(first, 'leader'));
  await second.start();
  await eventually(() => isReady(second, 'standby'));
  await query(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  await eventually(
    () => [first, second].some((t) => isReady(t, 'leader')) && [first, second].some((t) => isReady(t, 'standby')),
  );
  await query(url, `SELECT pgq.insert_event('a', 't', 'd')`);
  await eventually(() => ticked(url, 'a'));
});

test('a database that is down does not disturb the others, and is served again when it is back', async () => {
  const url = await installed();
  await query(url, quick('a'));
  const other = await startOwnPostgres();
  await install(other.url);
  await query(other.url, quick('b'));
  const all = made(
    makeTickers({ set: undefined, databases: [optionsOf(other.url, { database: 'other' }), optionsOf(url)] }),
  );
  await all.start();
  await eventually(() => isReady(all, 'leader'));
  await other.kill('SIGKILL');
  await eventually(() => all.ready().reasons.some((reason) => reason.includes('database other')));
  await query(url, `SELECT pgq.insert_event('a', 't', 'd')`);
  await eventually(() => ticked(url, 'a'));
  await other.start();
  await query(other.url, `SELECT pgq.insert_event('b', 't', 'd')`);
  await eventually(() => ticked(other.url, 'b'));
  await eventually(() => isReady(all, 'leader'));
});

test('it survives starting and stopping in any order, and leaves no session behind', async () => {
  const url = await installed();
  await startStopStress(() => makeDatabaseTicker(optionsOf(url)), { rounds: 5 });
  const left = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace ticker%'`;
  await eventually(async () => expect((await query(url, left))[0]?.['n']).toBe(0));
});
