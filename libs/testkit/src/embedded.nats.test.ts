import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeScratchDir, startOwnNats } from './mod.ts';

/** The first line a nats-server says, parsed. */
async function info(port: number): Promise<Record<string, unknown>> {
  const socket = connect({ host: '127.0.0.1', port });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      if (text.includes('\n')) resolve(text);
    });
    socket.once('error', reject);
  });
  socket.destroy();
  return JSON.parse(line.slice('INFO '.length)) as Record<string, unknown>;
}

test('a nats-server of our own has JetStream, the wanted limits, and its port after a crash', async () => {
  const dir = join(makeScratchDir('nats'), "it's a folder é");
  const server = await startOwnNats({ dir, maxPayload: 3_000_000, configExtra: 'max_control_line: 5000' });
  expect(await info(server.port)).toMatchObject({ jetstream: true, max_payload: 3_000_000, host: '127.0.0.1' });
  const { port, pid } = server;
  await server.kill('SIGKILL');
  expect(server.pid).toBeUndefined();
  await server.start();
  expect(server.port).toBe(port);
  expect(server.pid).not.toBe(pid);
  expect(readFileSync(server.logFile, 'utf8')).toContain('Server is ready');
});

test('a nats-server with a token lets in nobody who does not show it, and its file is closed to others', async () => {
  const server = await startOwnNats({ token: 's3cret' });
  expect(server.url).toBe(`nats://s3cret@127.0.0.1:${server.port}`);
  expect(await info(server.port)).toMatchObject({ auth_required: true });
  expect(statSync(join(server.dir, 'nats.conf')).mode & 0o077).toBe(0);
});

test('a configuration that nats-server refuses is reported with its words', async () => {
  await expect(startOwnNats({ configExtra: 'no_such_thing: 1' })).rejects.toThrow(/did not start.*no_such_thing/);
});
