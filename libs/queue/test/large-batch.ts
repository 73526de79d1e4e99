// One batch of many events, read by a process of its own whose memory is measured; prints JSON.
//   node libs/queue/test/large-batch.ts [EVENTS] [URL]      5,000,000 events on a server of its own by default
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '@millrace/embedded';
import { installProvider } from '@millrace/provider';
import pg from 'pg';

const NAME = 'large';

/** Straight into the table, as COPY would: sending is not what is measured. */
async function load(url: string, events: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await installProvider(client);
  await client.query('SELECT pgq.create_queue($1), pgq.create_queue($2)', [NAME, `${NAME}.dead`]);
  await client.query('SELECT pgq.register_consumer($1, $2)', [NAME, 'c']);
  const table = (await client.query('SELECT pgq.current_event_table($1) AS t', [NAME])).rows[0].t;
  await client.query(
    `INSERT INTO ${table} (ev_time, ev_type, ev_data)
     SELECT now(), $1, json_build_object('n', n, 'text', repeat('x', 200)) FROM generate_series(1, $2::int) AS n`,
    [NAME, events],
  );
  await client.query('SELECT pgq.force_tick($1)', [NAME]);
  await client.query('SELECT pgq.ticker($1)', [NAME]);
  await client.end();
}

const [events = '5000000', url] = process.argv.slice(2);
const dir = join(import.meta.dirname, '../../../.tools/test-runs', `large-${process.pid}-0`);
const server = url === undefined ? await startPostgres({ dir, major: 18 }) : undefined;
try {
  const where = url ?? server?.url ?? '';
  await load(where, Number(events));
  const reader = join(import.meta.dirname, 'large-reader.ts');
  // Left alone, Node lets garbage grow where a machine has memory to spare.
  const node = ['--max-old-space-size=64', '--max-semi-space-size=8'];
  process.stdout.write(execFileSync(process.execPath, [...node, reader, NAME, events, where], { encoding: 'utf8' }));
} finally {
  await server?.stop();
  if (server !== undefined) rmSync(dir, { recursive: true, force: true });
}
