// The ticker against a real server and a stand-in for the provider's schema, whose answers the tests steer.
import { connectBus, onNotice } from '@millrace/bus';
import type { Service } from '@millrace/lifecycle';
import { startStopStress } from '@millrace/lifecycle/testing';
import {
  createDatabase,
  eventually,
  freePort,
  query,
  sharedNatsUrl,
  startOwnPostgres,
  uniqueName,
} from '@millrace/testkit';
import { tickSubject } from '@millrace/wire';
import { unsignedKeyring } from '@millrace/wire/testing';
import { expect, onTestFinished, test } from 'vitest';
import type { SetTickerOptions } from '../config.ts';
import { makeSetTicker } from './set-ticker.ts';

// An event is a row of stub.event; a tick takes all there are.
const stub = `
  CREATE SCHEMA millrace; CREATE SCHEMA stub;
  CREATE TABLE stub.event (id int);
  CREATE TABLE stub.tick (id bigint GENERATED ALWAYS AS IDENTITY, backend int DEFAULT pg_backend_pid());
  CREATE TABLE millrace.service_report (queue text, service text, instance text, state text, error_code text,
    error_message text, reported_at timestamptz, PRIMARY KEY (queue, service));
  CREATE FUNCTION millrace.last_tick(q text) RETURNS TABLE (tick bigint, fingerprint text, tick_time timestamptz)
    LANGUAGE sql AS $$ SELECT 1::bigint, repeat('0', 32), now() $$;
  CREATE FUNCTION millrace.tick(q text) RETURNS TABLE (tick bigint, fingerprint text, tick_time timestamptz, new_events bigint)
  LANGUAGE plpgsql AS $$ BEGIN
    WITH gone AS (DELETE FROM stub.event RETURNING 1) SELECT count(*) INTO new_events FROM gone;
    IF new_events = 0 THEN RETURN; END IF;
    INSERT INTO stub.tick DEFAULT VALUES RETURNING id INTO tick;
    fingerprint := lpad(to_hex(tick), 32, '0'); tick_time := now(); RETURN NEXT;
  END $$;
  CREATE FUNCTION millrace.report_service(q text, service text, instance text, state text, code text, message text) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO millrace.service_report VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT ON CONSTRAINT service_report_pkey
      DO UPDATE SET instance = $3, state = $4, error_code = $5, error_message = $6, reported_at = now() $$;
  CREATE FUNCTION millrace.refresh_triggers(q text) RETURNS TABLE (schema_name text, table_name text, action text, problem text)
    LANGUAGE sql AS $$ SELECT 'public', 't', 'none', 'the capture trigger is disabled' $$;
`;

async function setup(options: Partial<SetTickerOptions> = {}) {
  const database = await createDatabase();
  const queue = uniqueName('q');
  return { url: database.url, queue, make: maker(database.url, { queue, ...options }) };
}

function maker(providerUrl: string, options: Partial<SetTickerOptions>): () => Service {
  return () => {
    const ticker = makeSetTicker({
      queue: 'q',
      providerUrl,
      activeMs: 5,
      idleMs: 20,
      busUrl: () => sharedNatsUrl(),
      keyring: unsignedKeyring('q'),
      triggersMs: 50,
      standbyMs: 50,
      ...options,
    });
    onTestFinished(() => ticker.stop());
    return ticker;
  };
}

const insertEvent = (url: string) => query(url, 'INSERT INTO stub.event VALUES (1)');
const tickCount = async (url: string) => Number((await query(url, 'SELECT count(*) AS n FROM stub.tick'))[0]?.['n']);
const isReady = (ticker: Service, role: string) => ticker.ready().ok && ticker.ready().role === role;

test('ticks are made whatever the role prefers for transactions and limits', async () => {
  const { url } = await setup();
  await query(url, stub);
  const hostile = new URL(url);
  const preferred = 'default_transaction_read_only=on lock_timeout=1ms transaction_timeout=50ms';
  hostile.searchParams.set('options', preferred.replaceAll(/^| /g, ' -c ').trim());
  const ticker = maker(hostile.href, {})();
  await ticker.start();
  await insertEvent(url);
  await eventually(async () => expect(await tickCount(url)).toBeGreaterThan(0));
  await eventually(async () => expect(await query(url, 'SELECT FROM millrace.service_report')).toHaveLength(1));
});

test('ticks are made for events, and published on the bus', async () => {
  const { url, queue, make } = await setup();
  await query(url, stub);
  const bus = await connectBus(sharedNatsUrl(), { name: 'test' });
  onTestFinished(() => bus.close());
  const notices: string[] = [];
  onNotice(bus, tickSubject(queue), (data) => notices.push(data.toString()));
  const ticker = make();
  await ticker.start();
  await eventually(() => isReady(ticker, 'leader'));
  await eventually(async () => {
    await insertEvent(url);
    return notices.length > 1;
  });
  expect(JSON.parse(notices[0] ?? '')).toEqual({ tick: expect.any(Number) });
  expect(await tickCount(url)).toBeGreaterThan(1);
});

test('before the schema is there the ticker says what to do, and begins once it is', async () => {
  const { url, make } = await setup();
  const ticker = make();
  await ticker.start();
  await eventually(() => ticker.ready().reasons.some((reason) => reason.includes('run millrace install')));
  await query(url, stub);
  await eventually(() => isReady(ticker, 'leader'));
});

test('the ticker reports how it fares', async () => {
  const { url, queue, make } = await setup();
  await query(url, stub);
  const ticker = make();
  await ticker.start();
  const report = await eventually(async () => (await query(url, 'SELECT * FROM millrace.service_report'))[0] ?? false);
  expect(report).toMatchObject({ queue, service: 'ticker', state: 'running', error_code: null });
});

test('a long refresh of the triggers does not hold up a stop', async () => {
  const { url, make } = await setup();
  await query(url, stub);
  await query(
    url,
    `CREATE OR REPLACE FUNCTION millrace.refresh_triggers(q text)
       RETURNS TABLE (schema_name text, table_name text, action text, problem text) LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(60); END $$`,
  );
  const ticker = make();
  await ticker.start();
  await eventually(async () => {
    const busy = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    expect(await query(url, busy)).toHaveLength(1);
  });
  const late = new Promise((resolve) => setTimeout(resolve, 6_000, 'hangs').unref());
  expect(await Promise.race([ticker.stop().then(() => 'stopped'), late])).toBe('stopped');
});

test('a fault of ticking is reported, and its end as well', async () => {
  const { url, make } = await setup();
  await query(url, stub);
  const ticker = make();
  await ticker.start();
  await eventually(() => isReady(ticker, 'leader'));
  await query(url, 'ALTER TABLE stub.event RENAME TO gone');
  const report = async () => (await query(url, 'SELECT state, error_code FROM millrace.service_report'))[0];
  await eventually(async () => (await report())?.['state'] === 'stopped');
  expect(ticker.ready().ok).toBe(false);
  await query(url, 'ALTER TABLE stub.gone RENAME TO event');
  await eventually(async () => (await report())?.['state'] === 'running');
  expect(isReady(ticker, 'leader')).toBe(true);
});

test('a bus that is down, or of which nobody knows, stops no tick', async () => {
  const port = await freePort();
  for (const busUrl of [() => `nats://127.0.0.1:${port}`, () => undefined]) {
    const { url, make } = await setup({ busUrl });
    await query(url, stub);
    const ticker = make();
    await ticker.start();
    await insertEvent(url);
    await eventually(async () => (await tickCount(url)) === 1);
    await eventually(() => isReady(ticker, 'leader'));
    await ticker.stop();
  }
});

test('of two tickers one stands by, and takes over when the session of the leader is killed', async () => {
  const { url, make } = await setup();
  await query(url, stub);
  const [first, second] = [make(), make()];
  await first.start();
  await eventually(() => isReady(first, 'leader'));
  await second.start();
  await eventually(() => isReady(second, 'standby'));
  await first.stop();
  await eventually(() => isReady(second, 'leader'));
  await first.start();
  await eventually(() => isReady(first, 'standby'));
  const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace ticker'
    AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`;
  await query(url, kill);
  await eventually(
    () => [first, second].some((t) => isReady(t, 'leader')) && [first, second].some((t) => isReady(t, 'standby')),
  );
  await insertEvent(url);
  await eventually(async () => (await tickCount(url)) === 1);
});

test('a provider that crashes and comes back finds the ticker waiting', async () => {
  const server = await startOwnPostgres();
  await query(server.url, stub);
  const ticker = maker(server.url, {})();
  await ticker.start();
  await eventually(() => isReady(ticker, 'leader'));
  await server.kill('SIGKILL');
  await eventually(() => !ticker.ready().ok);
  await server.start();
  await eventually(() => isReady(ticker, 'leader'));
  await insertEvent(server.url);
  await eventually(async () => (await tickCount(server.url)) === 1);
});

test('the ticker survives starting and stopping in any order', async () => {
  const { url, make } = await setup();
  await query(url, stub);
  await startStopStress(make, { rounds: 10 });
  const left = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'millrace ticker%'`;
  await eventually(async () => (await query(url, left))[0]?.['n'] === 0);
});
