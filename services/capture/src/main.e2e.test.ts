// Capture as operators run it: a process with a configuration file, a role of few rights, signals; and its memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openReader, streamState } from '@millrace/bus';
import { forceTick } from '@millrace/provider';
import { eventually, makeScratchDir } from '@millrace/testkit';
import { batchSubject, streamName } from '@millrace/wire';
import { decodeMessage } from '@millrace/wire/testing';
import { expect, onTestFinished, test } from 'vitest';
import { type Bench, makeBench, register, storedBatches, writeBatch } from '../test/bench.ts';
import { makeCopyBench } from '../test/copy-bench.ts';

const program = fileURLToPath(new URL('./main.ts', import.meta.url));

function run(bench: Bench, url = bench.url) {
  const file = join(makeScratchDir('capture'), 'millrace.yaml');
  const text = `queue: ${bench.queue}\nprovider: { url: "${url}" }\nbus: { url: "${bench.busUrl}" }\ndata_dir: data\n`;
  writeFileSync(file, text);
  const child = spawn(process.execPath, [program, '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (part: Buffer) => {
    log += part.toString();
  });
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const ready = () => eventually(() => expect(log).toContain('"msg":"ready"'), { timeoutMs: 30_000 });
  return { child, exit, ready, log: () => log };
}

/** A role that may only do what capture does. */
async function captureRole(bench: Bench): Promise<string> {
  const role = `c_${bench.queue}`;
  await bench.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x' IN ROLE millrace_capture`);
  onTestFinished(async () => {
    await bench.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  const url = new URL(bench.url);
  url.username = role;
  url.password = 'x';
  return url.href;
}

test('a role of few rights is enough for batches and copies, and SIGTERM ends the process with 0', async () => {
  const sql = 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)';
  const copy = await makeCopyBench({ name: 't', sql });
  const { bench } = copy;
  const url = await captureRole(bench);
  await bench.client.query(`GRANT SELECT ON t TO ${new URL(url).username}`);
  await copy.report();
  const { child, exit, ready } = run(bench, url);
  await ready();
  const tick = await writeBatch(bench, ['1']);
  await eventually(async () =>
    expect((await storedBatches(bench)).at(-1)?.header.tick.tick).toBeGreaterThanOrEqual(tick.tick),
  );
  await eventually(async () => expect((await copy.state()).rows).toBe('1'));
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('a batch of hundreds of megabytes, with one value of a hundred, needs little memory', {
  timeout: 300_000,
}, async () => {
  const bench = await makeBench();
  await register(bench, 'eu');
  const { child, ready } = run(bench);
  await ready();
  const head = `'["public","t"]', '["id","v"]', '["id"]'`;
  await bench.client.query(
    `SELECT count(pgq.insert_event($1, 'U',
      (SELECT string_agg('(U,' || k || ',"' || repeat('y ', 500) || '",)', E'\\n') FROM generate_series(1, 1000) k), ${head}, '1000'))
    FROM generate_series(1, 120)`,
    [bench.queue],
  );
  await bench.client.query(
    `SELECT pgq.insert_event($1, 'U', '(U,0,"' || repeat('z\\\\', 30000000) || '",)', ${head}, '1')`,
    [bench.queue],
  );
  const tick = await forceTick(bench.client, bench.queue);
  const seen = await readBatch(bench, tick.tick);
  expect(seen).toMatchObject({ lines: 120_001 });
  expect(seen.bytes).toBeGreaterThan(180_000_000);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  expect(Number(peak) / 1024).toBeLessThan(256);
});

async function readBatch(bench: Bench, tick: number): Promise<{ lines: number; bytes: number }> {
  await eventually(async () => (await streamState(bench.bus, streamName(bench.queue))) ?? false);
  const reader = openReader(bench.bus, { stream: streamName(bench.queue), subject: batchSubject(bench.queue) });
  let bytes = 0;
  for await (const item of reader) {
    if (item.kind !== 'message') continue;
    const { header, body } = decodeMessage(item.data);
    bytes += body.length;
    if (header.kind === 'batch' && header.tick.tick === tick && header.last)
      return { lines: header.total?.lines ?? 0, bytes };
  }
  throw new Error('the reader ended');
}
