import { cpSync, rmSync } from 'node:fs';
import { eventually, startOwnNats } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type Bench, makeBench, register, storedBatches, writeBatch } from './test/bench.ts';

/** Every tick from a position on is in the stream, whole, each behind the one before it. */
async function untilUnbroken(bench: Bench, from: number, to: number): Promise<void> {
  await eventually(
    async () => {
      const whole = (await storedBatches(bench)).map((one) => one.header).filter((header) => header.last);
      let at = from;
      for (const header of whole) if (header.prev.tick === at) at = header.tick.tick;
      expect(at).toBeGreaterThanOrEqual(to);
    },
    { timeoutMs: 30_000, everyMs: 200, what: 'the chain' },
  );
}

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
  // It asks every 50 ms; when it no longer does, it waits for the bus.
  await eventually(async () => {
    const { rows } =
      await bench.client.query(`SELECT FROM pg_stat_activity WHERE application_name = 'millrace capture line'
      AND datname = current_database() AND query_start < clock_timestamp() - interval '500 ms'`);
    expect(rows).toHaveLength(1);
  });
  const stopped = capture.stop().then(() => 'stopped');
  const late = new Promise((resolve) => setTimeout(resolve, 8_000, 'hangs').unref());
  expect(await Promise.race([stopped, late])).toBe('stopped');
  await nats.kill('SIGCONT');
});
