// What goes over a network without TLS, by the configuration alone: whoever is on the way reads rows and passwords there.
import { isIP } from 'node:net';
import { parseBusUrl } from '@millrace/bus';
import { busUrl, type Config, queueDatabases } from '@millrace/config';
import { sideOf } from './examine-subscriber.ts';
import { type BareFinding, found, joinOutcomes, type Outcome } from './report.ts';

/** Modes of our client that demand TLS and check the certificate; with `uselibpqcompat` they are those of libpq. */
const checkedModes = new Set(['prefer', 'require', 'verify-ca', 'verify-full']);

/** Finds every connection to another host that may go in clear text, or to a server whose certificate is not checked. */
export function clearText(config: Config, env: Readonly<Record<string, string | undefined>> = process.env): Outcome {
  const databases = [
    ...queueDatabases(config).map(({ name, url }) => ({ side: name === 'provider' ? name : `database ${name}`, url })),
    ...Object.entries(config.subscribers).flatMap(([name, { url }]) =>
      url === undefined ? [] : [{ side: sideOf(name), url }],
    ),
  ];
  return joinOutcomes([
    ...databases.map(({ side, url }) => found('clear-text', side, databaseFindings(url, env))),
    found('clear-text', 'bus', busFindings(busUrl(config))),
  ]);
}

function databaseFindings(text: string, env: Readonly<Record<string, string | undefined>>): BareFinding[] {
  const url = new URL(text);
  const host = url.searchParams.get('host') ?? decoded(url.hostname);
  if (isLocal(host)) return [];
  const secrecy = secrecyOf(url.searchParams, env);
  if (secrecy === 'checked') return [];
  const what =
    secrecy === 'none'
      ? 'may go in clear text: whoever is on the way can read rows and the password'
      : "is encrypted, but the server's certificate is not checked: a server in the middle can read rows and the password";
  const message = `${what}; write ?sslmode=verify-full, and sslrootcert=FILE for an authority of your own, at the end of its url`;
  return [{ level: 'warning', object: `the connection to ${host}`, message, fix: null }];
}

function decoded(host: string): string {
  try {
    return decodeURIComponent(host);
  } catch {
    return host;
  }
}

function secrecyOf(
  query: URLSearchParams,
  env: Readonly<Record<string, string | undefined>>,
): 'none' | 'some' | 'checked' {
  const mode = query.get('sslmode');
  const ssl = query.get('ssl');
  if (mode === null && (ssl === 'true' || ssl === '1')) return 'checked';
  if (mode === null && ssl === null && checkedModes.has(env['PGSSLMODE'] ?? '')) return 'checked';
  if (mode === null || mode === 'disable' || mode === 'allow') return 'none';
  if (mode === 'no-verify') return 'some';
  if (query.get('uselibpqcompat') !== 'true') return checkedModes.has(mode) ? 'checked' : 'none';
  if (mode === 'prefer') return 'none';
  return mode === 'require' && query.get('sslrootcert') === null ? 'some' : 'checked';
}

function busFindings(url: string | undefined): BareFinding[] {
  if (url === undefined) return [];
  const { servers, tls, files } = parseBusUrl(url);
  if (tls || files.ca !== undefined || files.cert !== undefined) return [];
  const hosts = servers.map((server) => server.replace(/:\d+$/, '')).filter((host) => !isLocal(host));
  return hosts.map((host) => ({
    level: 'warning',
    object: `the connection to ${host}`,
    message: 'may go in clear text: whoever is on the way can read rows and credentials; write tls:// in bus.url',
    fix: null,
  }));
}

/** This machine: a Unix-domain socket, or an address of the loopback interface. */
function isLocal(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === '' || bare.startsWith('/') || bare === 'localhost' || bare.endsWith('.localhost')) return true;
  return (isIP(bare) === 4 && bare.startsWith('127.')) || bare === '::1';
}
