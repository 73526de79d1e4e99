import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeScratchDir, startOwnNats } from '@millrace/testkit';
import { nkeys } from '@nats-io/transport-node';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectBus } from '../mod.ts';

let dir = '';

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function makeAuthority(name: string): void {
  openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
}

function makeCertificate(name: string, altNames: string, days = '1'): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${altNames}`];
  openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`, '-days', days);
}

beforeAll(() => {
  dir = makeScratchDir('tls');
  for (const name of ['ca', 'stranger']) makeAuthority(name);
  makeCertificate('address', 'IP:127.0.0.1');
  makeCertificate('name', 'DNS:localhost');
  makeCertificate('elsewhere', 'IP:127.0.0.9,DNS:nats1');
  makeCertificate('expired', 'IP:127.0.0.1,DNS:localhost', '-1');
});

async function serve(certificate: string, more = ''): Promise<number> {
  const files = `cert_file: "${join(dir, `${certificate}.pem`)}", key_file: "${join(dir, `${certificate}.key`)}"`;
  return (await startOwnNats({ configExtra: `tls { ${[files, more].filter(Boolean).join(', ')} }` })).port;
}

async function connectTo(host: string, port: number, query = `ca=${join(dir, 'ca.pem')}`): Promise<void> {
  const bus = await connectBus(`tls://${host}:${port}?${query}`, { name: 'test', timeoutMs: 2_000 });
  onTestFinished(() => bus.close());
}

test('a certificate must be for the address, or the name, that was connected to', async () => {
  const [byAddress, byName, elsewhere] = [await serve('address'), await serve('name'), await serve('elsewhere')];
  await connectTo('127.0.0.1', byAddress);
  await connectTo('localhost', byName);
  for (const [host, port, is] of [
    ['localhost', byAddress, 'IP Address:127.0.0.1'],
    ['127.0.0.1', byName, 'DNS:localhost'],
    ['127.0.0.1', elsewhere, 'IP Address:127.0.0.9, DNS:nats1'],
    ['localhost', elsewhere, 'IP Address:127.0.0.9, DNS:nats1'],
  ] as const) {
    await expect(connectTo(host, port)).rejects.toMatchObject({
      code: 'bus-refused',
      message: expect.stringContaining(`${host}:${port}: the server's certificate is for ${is}`),
    });
  }
});

test('an unknown authority, an expired certificate and a server without TLS are refused in words', async () => {
  const [known, expired, plain] = [await serve('address'), await serve('expired'), (await startOwnNats()).port];
  const stranger = `ca=${join(dir, 'stranger.pem')}`;
  for (const [port, query, message] of [
    [known, stranger, 'nobody we know vouches'],
    [known, '', 'nobody we know vouches'],
    [expired, undefined, 'certificate has expired'],
    [plain, undefined, 'the server has no TLS'],
  ] as const) {
    await expect(connectTo('127.0.0.1', port, query)).rejects.toMatchObject({
      code: 'bus-refused',
      message: expect.stringContaining(message),
    });
  }
});

test('a server that demands our certificate gets it, and without one the error says what it may want', async () => {
  const port = await serve('address', `ca_file: "${join(dir, 'ca.pem')}", verify: true`);
  const ours = `ca=${join(dir, 'ca.pem')}&cert=${join(dir, 'name.pem')}&key=${join(dir, 'name.key')}`;
  await connectTo('127.0.0.1', port, ours);
  await expect(connectTo('127.0.0.1', port)).rejects.toMatchObject({ advice: expect.stringContaining('bus.tls.cert') });
});

test('an nkey shows who we are; a file that holds none is named, and not what it holds', async () => {
  const user = nkeys.createUser();
  const seed = join(dir, 'user.nk');
  writeFileSync(seed, user.getSeed());
  const server = await startOwnNats({ configExtra: `authorization { users: [{ nkey: ${user.getPublicKey()} }] }` });
  const bus = await connectBus(`${server.url}?creds=${seed}`, { name: 'test' });
  onTestFinished(() => bus.close());
  writeFileSync(seed, nkeys.createUser().getSeed());
  await expect(connectBus(`${server.url}?creds=${seed}`, { name: 'test' })).rejects.toMatchObject({
    code: 'bus-refused',
  });
  writeFileSync(seed, 'a secret');
  await expect(connectBus(`${server.url}?creds=${seed}`, { name: 'test' })).rejects.toMatchObject({
    code: 'config',
    message: expect.not.stringContaining('a secret'),
  });
});
