// One batch of many events, read by one process whose memory is measured; prints JSON.
//   node libs/queue/test/large-batch.ts [EVENTS] [URL]      5,000,000 events on a server of its own by default
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '@millrace/embedded';
import { installProvider } from '@millrace/provider';
import pg from 'pg';
import { z } from 'zod';
import { defineQueue } from '../src/mod.ts';

async function measure(url: string, events: number): Promise<object> {
  const pool = new pg.Pool({ connectionString: url });
  // The server that ends says so to idle sessions.
  pool.on('error', () => {});
  const admin = await pool.connect();
  await installProvider(admin);
  const name = `large_${process.pid}`;
  const queue = defineQueue({ name, schema: z.object({ n: z.int(), text: z.string() }) });
  await queue.create(admin);
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  const table = (await admin.query('SELECT pgq.current_event_table($1) AS t', [name])).rows[0].t;
  // Straight into the table, as COPY would: sending is not what is measured.
  await admin.query(
    `INSERT INTO ${table} (ev_time, ev_type, ev_data)
     SELECT now(), $1, json_build_object('n', n, 'text', repeat('x', 200)) FROM generate_series(1, $2::int) AS n`,
    [name, events],
  );
  await admin.query('SELECT pgq.ticker()');
  while ((await admin.query('SELECT pgq.ticker($1) AS tick', [name])).rows[0].tick === null) {
    await admin.query('SELECT pgq.force_tick($1)', [name]);
    if ((await consumer.info(admin)).pendingEvents >= events) break;
    await delay(10);
  }
  admin.release();
  const startMiB = peak();
  const began = performance.now();
  let count = 0;
  let sum = 0;
  const run = consumer.run((event) => {
    count += 1;
    sum += event.payload.n;
    if (count === events) void consumer.close();
  });
  await run;
  const seconds = (performance.now() - began) / 1_000;
  await queue.drop(pool, { force: true });
  await pool.end();
  if (sum !== (events * (events + 1)) / 2) throw new Error(`the sum of ${events} events is ${sum}`);
  return {
    events,
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(events / seconds),
    startMiB,
    peakMiB: peak(),
  };
}

/** The most memory that this process has had, MiB. */
function peak(): number {
  return Math.round(process.resourceUsage().maxRSS / 1_024);
}

const [events = '5000000', url] = process.argv.slice(2);
const dir = join(import.meta.dirname, '../../../.tools/test-runs', `large-${process.pid}`);
const server = url === undefined ? await startPostgres({ dir, major: 18 }) : undefined;
try {
  const result = await measure(url ?? server?.url ?? '', Number(events));
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await server?.stop();
  if (server !== undefined) rmSync(dir, { recursive: true, force: true });
}
