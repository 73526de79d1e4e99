import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedNats, type EmbeddedPostgres, startNats, startPostgres } from '@millrace/embedded';
import { connect, type PgClient } from '@millrace/postgres';
import { processTree } from './cpu.ts';

const root = join(import.meta.dirname, '../..');
const millraceBin = join(root, 'bin/millrace');

/** Settings of every server in a run, ours and native's alike; only wal_level differs. */
export const serverSettings = {
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  max_connections: '60',
  autovacuum: 'off',
  max_prepared_transactions: '0',
};

export async function startServer(
  dir: string,
  walLevel: 'replica' | 'logical',
  major: number,
): Promise<EmbeddedPostgres> {
  return startPostgres({ dir, major, settings: { ...serverSettings, wal_level: walLevel } });
}

/** Runs statements one after the other in one session; gives the rows of the last. */
export async function sql(url: string, ...texts: string[]): Promise<Record<string, unknown>[]> {
  const client = await connect(url, { applicationName: 'bench' });
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) rows = (await client.query(text)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** Polls a cheap query until it gives a row whose column `ok` is true. */
export async function until(url: string, query: string, timeoutMs = 600_000): Promise<void> {
  const client = await connect(url, { applicationName: 'bench watch' });
  const end = Date.now() + timeoutMs;
  try {
    while (!(await isOk(client, query))) {
      if (Date.now() > end) throw new Error(`not reached in ${timeoutMs} ms: ${query}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    await client.end();
  }
}

async function isOk(client: PgClient, query: string): Promise<boolean> {
  return (await client.query(query)).rows[0]?.ok === true;
}

/** Millrace as an operator runs it: servers, a configuration file, and a process for each service. */
export class MillraceRig {
  readonly provider: EmbeddedPostgres;
  readonly subscriber: EmbeddedPostgres;
  readonly nats: EmbeddedNats;
  readonly dir: string;
  readonly names: readonly string[];
  readonly database: string;
  readonly lines: readonly string[];
  readonly services = new Map<string, ChildProcess>();

  private constructor(parts: Omit<RigParts, 'dir'> & { dir: string }) {
    this.lines = parts.lines ?? [];
    this.provider = parts.provider;
    this.subscriber = parts.subscriber;
    this.nats = parts.nats;
    this.dir = parts.dir;
    this.names = parts.names;
    this.database = parts.database;
  }

  /** Makes the databases and the configuration; nothing of ours runs yet. */
  static async create(parts: Omit<RigParts, 'nats'>): Promise<MillraceRig> {
    rmSync(parts.dir, { recursive: true, force: true });
    mkdirSync(parts.dir, { recursive: true });
    const nats = await startNats({ dir: join(parts.dir, 'nats') });
    const rig = new MillraceRig({ ...parts, nats });
    await sql(parts.provider.url, `CREATE DATABASE ${parts.database}`);
    for (const name of parts.names) await sql(parts.subscriber.url, `CREATE DATABASE ${parts.database}_${name}`);
    writeFileSync(rig.configFile, rig.#config());
    return rig;
  }

  get configFile(): string {
    return join(this.dir, 'millrace.yaml');
  }

  get providerUrl(): string {
    return this.provider.urlOf(this.database);
  }

  subscriberUrl(name: string): string {
    return this.subscriber.urlOf(`${this.database}_${name}`);
  }

  #config(): string {
    const subscribers = this.names.map((name) => `  ${name}: { url: "${this.subscriberUrl(name)}" }`);
    return [
      `queue: ${this.database}`,
      `provider: { url: "${this.providerUrl}" }`,
      'subscribers:',
      ...subscribers,
      `bus: { url: "${this.nats.url}" }`,
      `data_dir: ${JSON.stringify(join(this.dir, 'data'))}`,
      ...this.lines,
      '',
    ].join('\n');
  }

  /** Runs a command to its end; throws when it fails. Gives what it printed on stdout. */
  async command(...args: string[]): Promise<string> {
    const child = spawn(millraceBin, ['--config', this.configFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    const code = await new Promise((resolve) => child.on('exit', resolve));
    if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${err}`);
    return out;
  }

  /** Starts services: `ticker`, `capture`, `replay NAME`. */
  startServices(names: readonly string[] = this.allServices()): void {
    for (const name of names) {
      const log = openSync(join(this.dir, `${name.replace(' ', '-')}.log`), 'a');
      const child = spawn(millraceBin, ['--config', this.configFile, 'run', ...name.split(' ')], {
        stdio: ['ignore', log, log],
      });
      this.services.set(name, child);
    }
  }

  allServices(): string[] {
    return ['ticker', 'capture', ...this.names.map((name) => `replay ${name}`)];
  }

  pids(): number[] {
    return [...this.services.values()].map((child) => child.pid ?? 0);
  }

  /** Sends a signal to every process of every service. */
  signal(name: NodeJS.Signals): void {
    for (const pid of this.pids().flatMap(processTree)) process.kill(pid, name);
  }

  async stopServices(): Promise<void> {
    const ends = [...this.services.values()].map(
      (child) => new Promise((resolve) => (child.exitCode === null ? child.on('exit', resolve) : resolve(null))),
    );
    for (const child of this.services.values()) child.kill('SIGTERM');
    await Promise.all(ends);
    this.services.clear();
  }

  /** Everything down, databases gone; the servers stay. */
  async destroy(): Promise<void> {
    await this.stopServices();
    await this.nats.stop();
    await sql(this.provider.url, `DROP DATABASE ${this.database} WITH (FORCE)`);
    for (const name of this.names)
      await sql(this.subscriber.url, `DROP DATABASE ${this.database}_${name} WITH (FORCE)`);
  }
}

interface RigParts {
  readonly provider: EmbeddedPostgres;
  readonly subscriber: EmbeddedPostgres;
  readonly nats: EmbeddedNats;
  readonly dir: string;
  readonly names: readonly string[];
  readonly database: string;
  /** More lines of the configuration. */
  readonly lines?: readonly string[];
}

/** Native logical replication between two databases of other servers, as its documentation says. */
export class NativeRig {
  readonly provider: EmbeddedPostgres;
  readonly subscriber: EmbeddedPostgres;
  readonly database: string;

  constructor(provider: EmbeddedPostgres, subscriber: EmbeddedPostgres, database: string) {
    this.provider = provider;
    this.subscriber = subscriber;
    this.database = database;
  }

  async create(names: readonly string[] = ['a']): Promise<void> {
    await sql(this.provider.url, `CREATE DATABASE ${this.database}`);
    for (const name of names) await sql(this.subscriber.url, `CREATE DATABASE ${this.database}_${name}`);
  }

  get providerUrl(): string {
    return this.provider.urlOf(this.database);
  }

  subscriberUrl(name = 'a'): string {
    return this.subscriber.urlOf(`${this.database}_${name}`);
  }

  async publish(): Promise<void> {
    await sql(this.providerUrl, 'CREATE PUBLICATION bench FOR ALL TABLES');
  }

  async subscribe(name = 'a', options = 'copy_data = false'): Promise<void> {
    const from = `host=127.0.0.1 port=${this.provider.port} user=postgres dbname=${this.database}`;
    const slot = `${this.database}_${name}`;
    await sql(
      this.subscriberUrl(name),
      `CREATE SUBSCRIPTION ${slot} CONNECTION '${from}' PUBLICATION bench WITH (slot_name = '${slot}', ${options})`,
    );
  }

  async enable(on: boolean, name = 'a'): Promise<void> {
    await sql(this.subscriberUrl(name), `ALTER SUBSCRIPTION ${this.database}_${name} ${on ? 'ENABLE' : 'DISABLE'}`);
  }

  async destroy(names: readonly string[] = ['a']): Promise<void> {
    for (const name of names) {
      const slot = `${this.database}_${name}`;
      const there = await sql(this.subscriberUrl(name), 'SELECT 1 FROM pg_subscription');
      if (there.length > 0) await sql(this.subscriberUrl(name), `DROP SUBSCRIPTION ${slot}`);
      await sql(this.subscriber.url, `DROP DATABASE ${slot} WITH (FORCE)`);
    }
    await sql(this.provider.url, `DROP DATABASE ${this.database} WITH (FORCE)`);
  }
}
