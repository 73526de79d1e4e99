import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EmbeddedPostgres, freePort } from '@millrace/embedded';
import { inSession, sqlstateOf } from '@millrace/postgres';
import { sqlText } from './sql-text.ts';

/** The embedded servers: the first is the provider, the others are subscribers of that name. */
export const serverNames = ['provider', 'one', 'two'] as const;

const database = 'shop';

/** The embedded default while it runs. */
export interface EmbeddedDefault {
  readonly configFile: string;
  /** Connection strings by server name. */
  readonly urls: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Whether the configuration file is one of ours, whose servers `up` has to start. */
export function isEmbedded(configFile: string): boolean {
  return existsSync(portsFile(dirname(configFile)));
}

/**
 * Starts a provider and two subscribers below `dir`, as they were left last time, and writes `millrace.yaml` there.
 * Throws PROGRAM when one does not start.
 */
export async function startEmbedded(dir: string): Promise<EmbeddedDefault> {
  mkdirSync(dir, { recursive: true });
  const last = readPorts(dir);
  const servers: EmbeddedPostgres[] = [];
  try {
    await Promise.all(serverNames.map((name) => startServer(join(dir, name), last[name], servers)));
    const byName = new Map(servers.map((server) => [server.dir, server]));
    const ports = Object.fromEntries(serverNames.map((name) => [name, byName.get(join(dir, name))?.port ?? 0]));
    const urls = Object.fromEntries(
      serverNames.map((name) => [name, byName.get(join(dir, name))?.urlOf(database) ?? '']),
    );
    for (const server of servers) await makeDatabase(server);
    const configFile = join(dir, 'millrace.yaml');
    await writeConfig(configFile, { urls, ports, last });
    writeFileSync(portsFile(dir), `${JSON.stringify(ports)}\n`);
    return { configFile, urls, stop: () => stopAll(servers) };
  } catch (error) {
    await stopAll(servers);
    throw error;
  }
}

async function startServer(dir: string, port: number | undefined, servers: EmbeddedPostgres[]): Promise<void> {
  const settings = { shared_buffers: '64MB', max_connections: '100' };
  let server = new EmbeddedPostgres({ dir, settings, ...(port === undefined ? {} : { port }) });
  try {
    await server.start();
  } catch (error) {
    // Its port of last time may belong to somebody else now.
    if (port === undefined) throw error;
    server = new EmbeddedPostgres({ dir, settings, port: await freePort() });
    await server.start();
  }
  servers.push(server);
}

async function stopAll(servers: readonly EmbeddedPostgres[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

async function makeDatabase(server: EmbeddedPostgres): Promise<void> {
  const sql = await sqlText('create_database');
  await inSession(server.url, { applicationName: 'millrace up' }, async (client) => {
    await client.query(sql).catch((error: unknown) => {
      if (sqlstateOf(error) !== '42P04') throw error;
    });
  });
}

interface Written {
  readonly urls: Readonly<Record<string, string>>;
  readonly ports: Readonly<Record<string, number>>;
  readonly last: Readonly<Record<string, number>>;
}

/** The file may have been edited since: then only ports that changed are set anew. */
async function writeConfig(file: string, { urls, ports, last }: Written): Promise<void> {
  if (!existsSync(file)) {
    writeFileSync(file, configText(urls), { mode: 0o600 });
    return;
  }
  let text = readFileSync(file, 'utf8');
  for (const name of serverNames) {
    if (last[name] !== ports[name]) text = text.replaceAll(`@127.0.0.1:${last[name]}/`, `@127.0.0.1:${ports[name]}/`);
  }
  writeFileSync(file, text, { mode: 0o600 });
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

function portsFile(dir: string): string {
  return join(dir, 'embedded.json');
}

function readPorts(dir: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(portsFile(dir), 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}
