import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeSecret } from '@millrace/config';
import { EmbeddedPostgres, freePort } from '@millrace/embedded';
import { createDatabase, inSession } from '@millrace/postgres';

/** The embedded servers: the first is the provider, the others are subscribers of that name. */
export const serverNames = ['provider', 'one', 'two'] as const;

const database = 'shop';
const user = 'postgres';

/** The embedded default while it runs. */
export interface EmbeddedDefault {
  readonly configFile: string;
  /** Connection strings by server name. They hold the password: never to be shown. */
  readonly urls: Readonly<Record<string, string>>;
  /** What a person types to connect, by server name; the password is in a file that it names. */
  readonly psql: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Whether `up` wrote the configuration file, so that it has to start its servers. */
export function isEmbedded(configFile: string): boolean {
  return existsSync(accessFile(dirname(configFile)));
}

/**
 * Starts a provider and two subscribers below `dir`, as they were left, and writes `millrace.yaml` there.
 * Connecting needs the password, which is only in files that no other account may read.
 * Throws PROGRAM when one does not start.
 */
export async function startEmbedded(dir: string): Promise<EmbeddedDefault> {
  mkdirSync(dir, { recursive: true });
  const last = readAccess(dir);
  const password = last.password ?? randomBytes(24).toString('hex');
  const servers = new Map<string, EmbeddedPostgres>();
  const stop = () => stopAll([...servers.values()]);
  try {
    const start = async (name: string) =>
      servers.set(name, await startServer(join(dir, name), { password, port: last.ports[name] }));
    // When one fails, the others are known before they are stopped.
    const failed = (await Promise.allSettled(serverNames.map(start))).find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
    for (const server of servers.values()) await makeDatabase(server);
    const access = { password, ports: Object.fromEntries([...servers].map(([name, { port }]) => [name, port])) };
    const configFile = join(dir, 'millrace.yaml');
    writeConfig(configFile, urlsOf(last), urlsOf(access));
    writeSecret(accessFile(dir), `${JSON.stringify(access)}\n`);
    return { configFile, urls: urlsOf(access), psql: psqlLines(dir, access), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Access {
  /** Undefined: the servers require none. */
  readonly password: string | undefined;
  /** By server name. */
  readonly ports: Readonly<Record<string, number>>;
}

function urlsOf({ password, ports }: Access): Record<string, string> {
  const who = password === undefined ? user : `${user}:${password}`;
  const url = (name: string) => `postgresql://${who}@127.0.0.1:${ports[name]}/${database}`;
  return Object.fromEntries(serverNames.map((name) => [name, url(name)]));
}

/** `psql` takes the password from the file, so that it is neither typed nor shown nor in the list of processes. */
function psqlLines(dir: string, { password, ports }: Access): Record<string, string> {
  const file = join(dir, 'pgpass');
  writeSecret(
    file,
    Object.values(ports)
      .map((port) => `127.0.0.1:${port}:*:${user}:${password}\n`)
      .join(''),
  );
  const shown = /^[\w./@%+,:-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
  const urls = Object.entries(urlsOf({ password: undefined, ports }));
  return Object.fromEntries(urls.map(([name, url]) => [name, `PGPASSFILE=${shown} psql ${url}`]));
}

async function startServer(
  dir: string,
  { password, port }: { password: string; port: number | undefined },
): Promise<EmbeddedPostgres> {
  const options = { dir, user, password, settings: { shared_buffers: '64MB', max_connections: '100' } };
  const server = new EmbeddedPostgres({ ...options, ...(port === undefined ? {} : { port }) });
  try {
    await server.start();
    return server;
  } catch (error) {
    // Its previous port may be taken by another process now.
    if (port === undefined) throw error;
    const other = new EmbeddedPostgres({ ...options, port: await freePort() });
    await other.start();
    return other;
  }
}

async function stopAll(servers: readonly EmbeddedPostgres[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

async function makeDatabase(server: EmbeddedPostgres): Promise<void> {
  await inSession(server.url, { applicationName: 'millrace up' }, (client) => createDatabase(client, database));
}

/** The file may have been edited since: then only the URLs that changed are replaced. */
function writeConfig(
  file: string,
  last: Readonly<Record<string, string>>,
  urls: Readonly<Record<string, string>>,
): void {
  let text = existsSync(file) ? readFileSync(file, 'utf8') : configText(urls);
  for (const name of serverNames) text = text.replaceAll(last[name] ?? '', urls[name] ?? '');
  writeSecret(file, text);
}

function configText(urls: Readonly<Record<string, string>>): string {
  const subscribers = serverNames.slice(1).map((name) => `  ${name}: { url: "${urls[name]}" }`);
  return [
    '# Written by `millrace up`, which runs these three PostgreSQL servers and a nats-server in this folder.',
    'queue: main',
    `provider: { url: "${urls['provider']}" }`,
    'subscribers:',
    ...subscribers,
    'data_dir: .',
    'http: { host: 127.0.0.1, port: 0 }',
    '',
  ].join('\n');
}

function accessFile(dir: string): string {
  return join(dir, 'embedded.json');
}

function readAccess(dir: string): Access {
  try {
    const { password, ports } = JSON.parse(readFileSync(accessFile(dir), 'utf8')) as Partial<Access>;
    return { password, ports: ports ?? {} };
  } catch {
    return { password: undefined, ports: {} };
  }
}
