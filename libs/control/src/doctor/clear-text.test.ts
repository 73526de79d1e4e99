import { parseConfig } from '@millrace/config';
import { expect, test } from 'vitest';
import { clearText } from './clear-text.ts';

/** Sides of which it is said that something goes in clear text, or unchecked. */
function warned(text: string, env: Record<string, string> = {}): string[] {
  const config = parseConfig(text, '/srv/millrace.yaml', {});
  const wrong = clearText(config, env).findings.filter(({ level }) => level === 'warning');
  return wrong.map(({ side, object, message }) => `${side}: ${object} ${message.split(/[:;,]/)[0]}`);
}

test.each(['', '?sslmode=disable', '?sslmode=allow', '?uselibpqcompat=true&sslmode=prefer'])(
  'a database on another host with %s in its url may be reached in clear text',
  (query) => {
    const text = `provider: { url: "postgresql://u:p@db1/d${query}" }\nsubscribers: { eu: { url: "postgresql://[fd00::2]/d${query}" } }\ndatabases: { jobs: { url: "postgresql://10.0.0.5/d${query}" } }`;
    expect(warned(text)).toEqual([
      'provider: the connection to db1 may go in clear text',
      'database jobs: the connection to 10.0.0.5 may go in clear text',
      'subscriber eu: the connection to [fd00::2] may go in clear text',
    ]);
  },
);

test('a certificate that is not checked is said as well', () => {
  for (const query of ['sslmode=no-verify', 'uselibpqcompat=true&sslmode=require']) {
    expect(warned(`provider: { url: "postgresql://db1/d?${query}" }`)).toEqual([
      'provider: the connection to db1 is encrypted',
    ]);
  }
});

test.each([
  'postgresql://db1/d?sslmode=verify-full',
  'postgresql://db1/d?sslmode=require',
  'postgresql://db1/d?ssl=true',
  'postgresql://db1/d?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=/ca.pem',
  'postgresql://127.0.0.2/d',
  'postgresql://[::1]:5433/d',
  'postgresql://localhost/d',
  'postgresql://%2Fvar%2Frun%2Fpostgresql/d',
  'postgresql:///d?host=/tmp',
])('%s is no finding', (url) => {
  expect(warned(`provider: { url: "${url}" }`)).toEqual([]);
});

test('what the driver reads of the environment counts', () => {
  expect(warned('provider: { url: "postgresql://db1/d" }', { PGSSLMODE: 'verify-full' })).toEqual([]);
});

test('a bus on another host wants TLS, one on this host does not', () => {
  expect(warned('bus: { url: "nats://u:p@127.0.0.1:4222,nats://nats1,nats://10.1.1.1:4222" }')).toEqual([
    'bus: the connection to nats1 may go in clear text',
    'bus: the connection to 10.1.1.1 may go in clear text',
  ]);
  expect(warned('bus: { url: "tls://nats1,tls://nats2" }')).toEqual([]);
  expect(warned('bus: { url: "nats://nats1?ca=/ca.pem" }')).toEqual([]);
  expect(warned('bus: { url: "nats://[::1]:4222" }')).toEqual([]);
  expect(warned('')).toEqual([]);
});
