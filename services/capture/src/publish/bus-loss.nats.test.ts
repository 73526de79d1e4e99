import { cpSync, rmSync } from 'node:fs';
import { armFailpoints } from '@millrace/lifecycle/testing';
import { eventually, startOwnNats } from '@millrace/testkit';
import { copyStreamName } from '@millrace/wire';
import { expect, test } from 'vitest';
import { makeBench, register, stopsWithin, untilUnbroken, writeBatch } from '../../test/bench.ts';
import { makeCopyBench, wideTable } from '../../test/copy-bench.ts';

test('a nats-server that is killed, wiped or set back by a while is filled again, without a person', async () => {
  const nats = await startOwnNats();
  const bench = await makeBench({ busUrl: nats.url });
  const { tick: from } = await register(bench, 'eu');
  await bench.start().start();
  const first = await writeBatch(bench, ['1']);
  await untilUnbroken(bench, from, first.tick);

  await nats.kill('SIGKILL');
  const second = await writeBatch(bench, ['2']);
  await nats.start();
  await untilUnbroken(bench, from, second.tick);

  await nats.stop();
  const copy = `${nats.storeDir}.old`;
  cpSync(nats.storeDir, copy, { recursive: true });
  await nats.start();
  const third = await writeBatch(bench, ['3']);
  await untilUnbroken(bench, from, third.tick);

  await nats.kill('SIGKILL');
  rmSync(nats.storeDir, { recursive: true });
  cpSync(copy, nats.storeDir, { recursive: true });
  await nats.start();
  await untilUnbroken(bench, from, third.tick);

  await nats.kill('SIGKILL');
  rmSync(nats.storeDir, { recursive: true });
  await nats.start();
  const last = await writeBatch(bench, ['4']);
  await untilUnbroken(bench, from, last.tick);
});

test('a copy continues when the nats-server is killed and started again in the middle of it', async () => {
  const nats = await startOwnNats();
  const copy = await makeCopyBench({ ...wideTable(40), busUrl: nats.url });
  const { bench } = copy;
  const disarm = armFailpoints('capture.copy-chunk=delay:60');
  await bench.start().start();
  const stored = async () => (await bench.bus.streams.streams.info(copyStreamName(bench.queue))).state;
  await copy.report();
  await eventually(async () => expect((await stored()).messages).toBeGreaterThan(5));
  await nats.kill('SIGKILL');
  await nats.start();
  disarm();
  const state = await eventually(
    async () => {
      await copy.report();
      const found = await copy.state();
      expect(found.rows).toBe('40');
      return found;
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
  expect(state.attempt).toBe(1);
  const chunks = new Set<number>();
  for (const { header } of await copy.chunks()) {
    // Some may be there twice; none may come before the one in front of it.
    expect(header.chunk === 0 || chunks.has(header.chunk - 1)).toBe(true);
    chunks.add(header.chunk);
  }
});

test('a frozen nats-server delays, and loses nothing', async () => {
  const nats = await startOwnNats();
  const bench = await makeBench({ busUrl: nats.url });
  const { tick: from } = await register(bench, 'eu');
  await bench.start().start();
  const first = await writeBatch(bench, ['1']);
  await untilUnbroken(bench, from, first.tick);
  await nats.kill('SIGSTOP');
  const second = await writeBatch(bench, ['2']);
  await nats.kill('SIGCONT');
  await untilUnbroken(bench, from, second.tick);
});

test('a frozen nats-server does not keep capture from stopping in time', async () => {
  const nats = await startOwnNats();
  const bench = await makeBench({ busUrl: nats.url });
  const { tick: from } = await register(bench, 'eu');
  const capture = bench.start();
  await capture.start();
  await untilUnbroken(bench, from, (await writeBatch(bench, ['1'])).tick);
  await nats.kill('SIGSTOP');
  await writeBatch(bench, ['2']);
  // It queries every 50 ms; when it no longer does, it waits for the bus.
  await eventually(async () => {
    const { rows } =
      await bench.client.query(`SELECT FROM pg_stat_activity WHERE application_name = 'millrace capture line'
      AND datname = current_database() AND query_start < clock_timestamp() - interval '500 ms'`);
    expect(rows).toHaveLength(1);
  });
  expect(await stopsWithin(capture, 8000)).toBe(true);
  await nats.kill('SIGCONT');
});
