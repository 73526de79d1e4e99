import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { createDatabase, makeScratchDir } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { connect, disconnect } from '../mod.ts';

/** A way to the server that speaks TLS to its clients, with a certificate that nobody vouches for. */
async function tlsProxy(url: string): Promise<{ url: string; sessions: () => number }> {
  const dir = makeScratchDir('ssl');
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=nobody'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files], { cwd: dir, stdio: 'pipe' });
  const [cert, key] = [readFileSync(join(dir, 'cert.pem')), readFileSync(join(dir, 'key.pem'))];
  const target = new URL(url);
  const { hostname: host, port } = target;
  let sessions = 0;
  const secured = createTlsServer({ cert, key }, (near) => {
    sessions += 1;
    const far = createConnection({ host, port: Number(port) });
    near.on('error', () => {}).pipe(far);
    far.on('error', () => {}).pipe(near);
  });
  const server = createServer((near) => {
    // An SSLRequest comes first.
    near.once('data', () => {
      near.write('S');
      secured.emit('connection', near);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  target.port = String((server.address() as AddressInfo).port);
  return { url: target.href, sessions: () => sessions };
}

async function query(url: string): Promise<void> {
  const client = await connect(url, { applicationName: 'test' });
  await client.query('SELECT 1');
  await disconnect(client);
}

test('sslmode=prefer takes TLS where the server has it, whatever its certificate, and goes on without where it has none', async () => {
  const { url } = await createDatabase({ major: 18 });
  await query(`${url}?uselibpqcompat=true&sslmode=prefer`);
  await expect(query(`${url}?uselibpqcompat=true&sslmode=require`)).rejects.toMatchObject({
    message: expect.stringContaining('does not support SSL'),
  });
  const secure = await tlsProxy(url);
  await query(`${secure.url}?uselibpqcompat=true&sslmode=prefer`);
  expect(secure.sessions()).toBe(1);
});
