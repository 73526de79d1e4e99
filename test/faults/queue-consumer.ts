// A consumer as a process, to be killed: node queue-consumer.ts KIND NAME URL OTHER_URL. It writes down what it takes.
import { defineQueue } from '@millrace/queue';
import pg from 'pg';

const [kind = '', name = '', url = '', otherUrl = ''] = process.argv.slice(2);
const pool = (connectionString: string) => {
  const made = new pg.Pool({ connectionString, max: 2, application_name: 'stress consumer' });
  made.on('error', () => {});
  return made;
};
const here = pool(url);

const queue = defineQueue({ name: 'stress' });
const common = { name, database: here, retries: { max: 100, delayMs: () => 0 }, poll: { maxMs: 200 } };

/** What a handler wrote before it failed is undone with it, unless it wrote on its own. */
async function take(
  client: Pick<pg.ClientBase, 'query'> | pg.Pool,
  event: { data: string | null; attempt: number; id: bigint },
) {
  await client.query('INSERT INTO taken (consumer, data) VALUES ($1, $2)', [name, event.data]);
  if (event.attempt === 1 && event.id % 40n === 0n) throw new Error('the first attempt fails');
}

const team = { subconsumer: `p${process.env['MEMBER'] ?? '0'}`, takeOverAfterMs: 2_000 };
const runs: Readonly<Record<string, () => { run: Promise<void>; close(): Promise<void> }>> = {
  'at-least': () => {
    const consumer = queue.consumer({ ...common, concurrency: 4 });
    return { run: consumer.run((event) => take(here, event)), close: () => consumer.close() };
  },
  once: () => {
    const consumer = queue.consumer({ ...common, exactlyOnce: true });
    return { run: consumer.run((event, { client }) => take(client, event)), close: () => consumer.close() };
  },
  elsewhere: () => {
    const consumer = queue.consumer({ ...common, exactlyOnce: { into: pool(otherUrl) } });
    return { run: consumer.run((event, { client }) => take(client, event)), close: () => consumer.close() };
  },
  team: () => {
    const consumer = queue.consumer({ ...common, exactlyOnce: true, ...team });
    return { run: consumer.run((event, { client }) => take(client, event)), close: () => consumer.close() };
  },
};

const begun = runs[kind]?.();
if (begun === undefined) throw new Error(`no kind of consumer is ${kind}`);
process.once('SIGTERM', () => void begun.close());
await begun.run;
process.exit(0);
