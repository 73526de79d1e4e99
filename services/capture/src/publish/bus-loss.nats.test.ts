import { cpSync, rmSync } from 'node:fs';
import { armFailpoints } from '@millrace/lifecycle';
import { requestCopy } from '@millrace/provider';
import { eventually, startOwnNats } from '@millrace/testkit';
import { copyStreamName, decodeMessage } from '@millrace/wire';
import { expect, test } from 'vitest';
import { type Bench, makeBench, register, sendReport, storedBatches, writeBatch } from '../../test/bench.ts';

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

test('a copy goes on when the nats-server is killed and started again in the middle of it', async () => {
  const nats = await startOwnNats();
  const bench = await makeBench({ busUrl: nats.url });
  await bench.client.query(`CREATE TABLE wide (id int PRIMARY KEY, t text); ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
    INSERT INTO wide SELECT g, repeat('z', 1000000) FROM generate_series(1, 40) g`);
  const from = await register(bench, 'eu');
  const table = { schema: 'public', name: 'wide' };
  const id = await requestCopy(bench.client, { queue: bench.queue, table, subscribers: ['eu'] });
  const disarm = armFailpoints('capture.copy-chunk=delay:60');
  await bench.start().start();
  const state = async () => (await bench.bus.streams.streams.info(copyStreamName(bench.queue))).state;
  await sendReport(bench, 'eu', from);
  await eventually(async () => expect((await state()).messages).toBeGreaterThan(5));
  await nats.kill('SIGKILL');
  await nats.start();
  disarm();
  const held = await eventually(
    async () => {
      await sendReport(bench, 'eu', from);
      const { rows } = await bench.client.query('SELECT attempt, rows FROM millrace.copy_request WHERE copy_id = $1', [
        id,
      ]);
      expect(rows[0].rows).toBe('40');
      return rows[0];
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
  expect(held.attempt).toBe(1);
  const chunks = new Set<number>();
  const { first_seq, last_seq } = await state();
  for (let seq = first_seq; seq <= last_seq; seq += 1) {
    const message = await bench.bus.streams.streams.getMessage(copyStreamName(bench.queue), { seq });
    const { header } = decodeMessage(message?.data ?? new Uint8Array());
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
