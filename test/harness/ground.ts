import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedNats, type EmbeddedPostgres, startNats } from '@millrace/embedded';
import { startTestPostgres } from '@millrace/testkit';
import { Database } from './database.ts';
import { Site, type SitePlan } from './site.ts';
import { projectRoot, type Standing } from './standing.ts';

export interface ServerPlan {
  /** Major version of PostgreSQL. */
  readonly major: number;
  /** Folder of its programs; default: where that version is installed. */
  readonly binDir?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface GroundPlan {
  /** For the folder's name. */
  readonly name: string;
  /** PostgreSQL servers by a label of the test's choice. */
  readonly servers: Readonly<Record<string, ServerPlan>>;
  /** Largest message of the nats-server in bytes. */
  readonly maxPayload?: number;
}

/** Servers of one test file, each of which it may kill: PostgreSQL clusters and a nats-server. Sites stand on it. */
export class Ground implements Standing {
  readonly dir: string;
  readonly nats: EmbeddedNats;
  readonly #servers: ReadonlyMap<string, EmbeddedPostgres>;
  readonly #sites: Site[] = [];

  private constructor(dir: string, nats: EmbeddedNats, servers: ReadonlyMap<string, EmbeddedPostgres>) {
    this.dir = dir;
    this.nats = nats;
    this.#servers = servers;
  }

  static async start(plan: GroundPlan): Promise<Ground> {
    // Where a later run clears what a killed one has left, by the process id in the name.
    const name = `${plan.name}-${process.pid}-${randomBytes(3).toString('hex')}`;
    const dir = join(projectRoot, '.tools', 'test-runs', name);
    mkdirSync(dir, { recursive: true });
    const starting = Object.entries(plan.servers).map(async ([label, { major, settings, ...where }]) => {
      const server = await startTestPostgres({ dir: join(dir, label), major, ...where, settings: settings ?? {} });
      return [label, server] as const;
    });
    const payload = plan.maxPayload === undefined ? {} : { maxPayload: plan.maxPayload };
    const nats = await startNats({ dir: join(dir, 'nats'), ...payload });
    return new Ground(dir, nats, new Map(await Promise.all(starting)));
  }

  server(label: string): EmbeddedPostgres {
    const server = this.#servers.get(label);
    if (server === undefined) throw new Error(`no server ${label}`);
    return server;
  }

  /** Makes the databases of a site and its configuration file; nothing runs and nothing is installed yet. */
  async site(plan: SitePlan): Promise<Site> {
    const site = new Site(this, plan);
    this.#sites.push(site);
    await site.prepare();
    return site;
  }

  /** Creates an empty database and gives a handle to it. */
  async createDatabase(label: string, name: string): Promise<Database> {
    const server = this.server(label);
    const root = new Database(server.url);
    await root.run(`CREATE DATABASE "${name}" TEMPLATE template0 STRATEGY file_copy`);
    await root.close();
    return new Database(server.urlOf(name));
  }

  /** Ends everything that stands here and removes the folder, or keeps it for a look when MILLRACE_KEEP is set. */
  async stop(): Promise<void> {
    await Promise.all(this.#sites.map((site) => site.destroy()));
    await Promise.all([this.nats, ...this.#servers.values()].map((server) => server.kill('SIGKILL')));
    await Promise.all([this.nats, ...this.#servers.values()].map((server) => server.stop()));
    if (process.env['MILLRACE_KEEP'] === undefined) rmSync(this.dir, { recursive: true, force: true });
  }
}
