// The process that large-batch.ts measures: a consumer and nothing else. Arguments: QUEUE EVENTS URL.
import pg from 'pg';
import { z } from 'zod';
import { defineQueue } from '../src/mod.ts';

/** The most memory that this process has had, MiB. */
const peak = () => Math.round(process.resourceUsage().maxRSS / 1_024);

const [name = '', wanted = '0', url] = process.argv.slice(2);
const events = Number(wanted);
const pool = new pg.Pool({ connectionString: url });
const queue = defineQueue({ name, schema: z.object({ n: z.int(), text: z.string() }) });
const consumer = queue.consumer({ name: 'c', database: pool });
const startMiB = peak();
const began = performance.now();
let count = 0;
let sum = 0;
await consumer.run((event) => {
  count += 1;
  sum += event.payload.n;
  if (count === events) void consumer.close();
});
const seconds = (performance.now() - began) / 1_000;
await pool.end();
if (sum !== (events * (events + 1)) / 2) throw new Error(`the sum of ${events} events is ${sum}`);
const result = { events, seconds: Math.round(seconds * 10) / 10, perSecond: Math.round(events / seconds), startMiB };
process.stdout.write(`${JSON.stringify({ ...result, peakMiB: peak() })}\n`);
