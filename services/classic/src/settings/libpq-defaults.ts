import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import type { Conninfo } from './conninfo.ts';
import { readIni } from './ini.ts';
import { type Login, passwordFor } from './password-file.ts';

/** What libpq reads beside the connection string; all parts have the process's own values as default. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The account's name. */
  readonly account: string;
  /** The text of `~/.pgpass` or PGPASSFILE; undefined when there is none that may be used. */
  readonly passwords: string | undefined;
  /** The text of `~/.pg_service.conf` or PGSERVICEFILE. */
  readonly services: string | undefined;
  /** The folder where a local server listens when no host is named. */
  readonly socketFolder: string;
}

function ownSurroundings(env: NodeJS.ProcessEnv = process.env): Surroundings {
  return {
    env,
    account: userInfo().username,
    passwords: privateText(env['PGPASSFILE'] ?? join(homedir(), '.pgpass')),
    services: textOf(env['PGSERVICEFILE'] ?? join(homedir(), '.pg_service.conf')),
    socketFolder: ['/var/run/postgresql', '/tmp'].find((path) => existsSync(path)) ?? '/tmp',
  };
}

/** Where nobody is on the way. libpq would try TLS here too. */
const loopback = new Set(['localhost', '127.0.0.1', '::1']);

const ssl = ['sslmode', 'sslcert', 'sslkey', 'sslrootcert'];

/** A whole URL from a connection string, with missing parts filled in as libpq does. Throws CONFIG; `what` names the string. */
export function urlOf(given: Conninfo, what: string, around: Surroundings = ownSurroundings()): string {
  const info = new Map([...serviceOf(given, what, around), ...given]);
  const of = (key: string, variable: string): string | undefined => info.get(key) || around.env[variable] || undefined;
  const host = of('hostaddr', 'PGHOSTADDR') ?? of('host', 'PGHOST') ?? around.socketFolder;
  const port = of('port', 'PGPORT') ?? '5432';
  if (host.includes(',') || port.includes(',')) {
    throw new MillraceError(codes.CONFIG, `${what} names several hosts`, { advice: 'name the one to use' });
  }
  if (!/^\d{1,5}$/.test(port)) throw new MillraceError(codes.CONFIG, `${what}: the port is not a number`);
  const user = of('user', 'PGUSER') ?? around.account;
  const database = of('dbname', 'PGDATABASE') ?? user;
  const login: Login = { host, port, database, user, isDefaultSocket: host === around.socketFolder };
  const password = of('password', 'PGPASSWORD') ?? passwordFor(around.passwords ?? '', login);
  if (![user, password ?? '', host, database].every((part) => part.isWellFormed())) {
    throw new MillraceError(codes.CONFIG, `${what} holds half of a character`, { advice: 'write the file in UTF-8' });
  }
  const more = new URLSearchParams(sslOptions(of, host).concat(optionsOf(of)));
  const secret = password === undefined ? '' : `:${encode(password)}`;
  const query = more.size === 0 ? '' : `?${more}`;
  return `postgresql://${encode(user)}${secret}@${hostPart(host)}:${port}/${encodeURI(database)}${query}`;
}

type Part = (key: string, variable: string) => string | undefined;

function sslOptions(of: Part, host: string): [string, string][] {
  const mode = of('sslmode', 'PGSSLMODE') ?? (loopback.has(host) ? 'disable' : 'prefer');
  // `allow` tries TLS only after a refusal: our client does without it.
  if (host.startsWith('/') || mode === 'disable' || mode === 'allow') return [];
  const given = ssl.flatMap((key): [string, string][] => {
    const value = key === 'sslmode' ? mode : of(key, `PG${key.toUpperCase()}`);
    return value === undefined ? [] : [[key, value]];
  });
  return [['uselibpqcompat', 'true'], ...given];
}

function optionsOf(of: Part): [string, string][] {
  const options = of('options', 'PGOPTIONS');
  return options === undefined ? [] : [['options', options]];
}

function serviceOf(given: Conninfo, what: string, { env, services }: Surroundings): Conninfo {
  const name = given.get('service') ?? env['PGSERVICE'];
  if (name === undefined || name === '') return new Map();
  const found = services === undefined ? undefined : readIni(services, name, 'the service file');
  if (found !== undefined) return found;
  throw new MillraceError(codes.CONFIG, `${what}: there is no service ${JSON.stringify(name)}`, {
    advice: 'write it into ~/.pg_service.conf or name another file in PGSERVICEFILE',
  });
}

/** A path stands for the folder of a Unix-domain socket. */
function hostPart(host: string): string {
  if (host.startsWith('/')) return encodeURIComponent(host);
  return host.includes(':') ? `[${host}]` : encodeURIComponent(host);
}

/** As encodeURIComponent, and also what a URL's reader might take for its own. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As libpq: a password file that others may read is not used. */
function privateText(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() && (stat.mode & 0o077) === 0 ? textOf(file) : undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
