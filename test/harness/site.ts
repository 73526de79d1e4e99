import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeOptions } from '@millrace/host';
import { waitFor } from '@millrace/testkit';
import { differences, type Named } from './checksum.ts';
import { type CommandResult, runCommand } from './command-line.ts';
import type { Database } from './database.ts';
import { type CommandLine, runInOwnProcess, runsInOwnProcess } from './own-process.ts';
import { ServiceProcess } from './service-process.ts';
import { projectRoot, type Standing } from './standing.ts';

export interface SitePlan {
  /** Its queue, and the first part of its databases' names. */
  readonly name: string;
  /** Label of the provider's server. */
  readonly provider: string;
  /** Labels of the subscribers' servers by subscriber name. */
  readonly subscribers: Readonly<Record<string, string>>;
  /** Role that the configuration's provider and subscriber URLs name; default: the superuser. */
  readonly role?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Name of all its databases, where each is on a server of its own; default: the site's and the side's. */
  readonly database?: string;
  /** URL of its bus; default: the nats-server of the ground. */
  readonly bus?: string;
}

export interface CommandOptions {
  /** Milliseconds until it counts as hung. */
  readonly timeoutMs?: number;
  /** Another configuration than the site's. */
  readonly config?: string;
}

/** What `status --json` has at least. */
export interface Status {
  readonly queue: string;
  readonly provider: { readonly tick: number | null };
  readonly subscribers: readonly {
    readonly name: string;
    readonly state: 'running' | 'paused' | 'stopped' | 'unreachable';
    readonly tick: number | null;
    readonly lag_ms: number | null;
    readonly lag_ticks: number | null;
    readonly error: { readonly code: string; readonly message: string } | string | null;
    readonly tables: readonly { readonly name: string; readonly state: string; readonly copied_rows: number }[];
  }[];
}

/** One queue with its databases, its configuration and its services as real processes. */
export class Site {
  readonly ground: Standing;
  readonly plan: SitePlan;
  readonly dir: string;
  provider!: Database;
  readonly subscribers = new Map<string, Database>();
  readonly services = new Map<string, ServiceProcess>();
  #markers = 0;

  constructor(ground: Standing, plan: SitePlan) {
    this.ground = ground;
    this.plan = plan;
    this.dir = join(ground.dir, `site-${plan.name}`);
  }

  get configFile(): string {
    return join(this.dir, 'millrace.yaml');
  }

  async prepare(): Promise<void> {
    mkdirSync(this.dir, { recursive: true });
    const create = (server: string, side: string) =>
      this.ground.createDatabase(server, this.plan.database ?? `${this.plan.name}_${side}`);
    this.provider = await create(this.plan.provider, 'provider');
    for (const [name, server] of Object.entries(this.plan.subscribers)) {
      this.subscribers.set(name, await create(server, name));
    }
    this.writeConfig();
  }

  /** Writes millrace.yaml. `without` leaves sections out, as on a host that has one part only. */
  writeConfig(file = this.configFile, without: { provider?: boolean; subscribersBut?: string } = {}): string {
    const lines = [`queue: ${this.plan.name}`];
    if (without.provider !== true) lines.push(`provider:\n  url: ${this.#urlFor(this.provider)}`);
    lines.push('subscribers:');
    for (const [name, database] of this.subscribers) {
      if (without.subscribersBut !== undefined && without.subscribersBut !== name) continue;
      lines.push(`  ${name}: { url: "${this.#urlFor(database)}" }`);
    }
    lines.push(`bus:\n  url: ${this.plan.bus ?? this.ground.nats.url}`, `data_dir: ${join(this.dir, 'data')}`);
    lines.push('http: { host: 127.0.0.1, port: 0 }', '');
    writeFileSync(file, lines.join('\n'));
    return file;
  }

  subscriber(name: string): Database {
    const database = this.subscribers.get(name);
    if (database === undefined) throw new Error(`no subscriber ${name}`);
    return database;
  }

  /** Runs statements at the provider and at every subscriber: a schema that all of them share. */
  async everywhere(sql: string): Promise<void> {
    for (const database of [this.provider, ...this.subscribers.values()]) await database.run(sql);
  }

  /** Runs a command, in this process where it can be; does not judge the exit code. */
  async command(args: readonly string[], more: CommandOptions = {}): Promise<CommandResult> {
    const line = this.#line(args, more);
    return runsInOwnProcess(line.args) ? runInOwnProcess(line) : this.program(args, more);
  }

  /** Runs `bin/millrace`, for tests to which it matters that a command is a process of its own. */
  async program(args: readonly string[], more: CommandOptions = {}): Promise<CommandResult> {
    return runCommand({ ...this.#line(args, more), file: join(projectRoot, 'bin', 'millrace'), cwd: this.dir });
  }

  /** Runs a command that has to succeed. */
  async millrace(...args: string[]): Promise<CommandResult> {
    const result = await this.command(args);
    if (result.code !== 0)
      throw new Error(`millrace ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return result;
  }

  /** `status --json`, whatever its exit code. */
  async status(): Promise<Status> {
    const { stdout } = await this.command(['status', '--json']);
    return JSON.parse(stdout) as Status;
  }

  /** A service that may run twice under different labels; made on first use, not started. */
  service(kind: string, standby = ''): ServiceProcess {
    return this.serviceWith(kind, standby, {});
  }

  /** The same under another configuration file or with more in its environment; made anew when the label is new. */
  serviceWith(
    kind: string,
    standby: string,
    more: { config?: string; env?: Readonly<Record<string, string>> },
  ): ServiceProcess {
    const label = standby === '' ? kind : `${kind} ${standby}`;
    let service = this.services.get(label);
    if (service === undefined) {
      service = new ServiceProcess({
        label,
        file: process.execPath,
        args: serviceArgs(kind, more.config ?? this.configFile),
        cwd: this.dir,
        env: { ...this.#env(), ...more.env },
        logFile: join(this.dir, `${label.replaceAll(' ', '-')}.log`),
      });
      this.services.set(label, service);
    }
    return service;
  }

  /** Where a service listens, once it does: `admin`, `replay-eu`. */
  async runs(name: string): Promise<{ readonly port: number; readonly url: string }> {
    const file = join(this.dir, 'data', 'run', `${name}.json`);
    return waitFor(`${name} listens`, () => JSON.parse(readFileSync(file, 'utf8')));
  }

  /** Kinds of service this site needs: ticker, capture and a replay for each subscriber. */
  get kinds(): string[] {
    return ['ticker', 'capture', ...[...this.subscribers.keys()].map((name) => `replay ${name}`)];
  }

  /** Starts one of every kind. */
  startServices(): void {
    for (const kind of this.kinds) this.service(kind).start();
  }

  /** `install`, the marker table for `sync`, services, and the given tables and sequences. */
  async begin(
    what: { tables?: readonly string[]; sequences?: readonly string[]; addArgs?: readonly string[] } = {},
  ): Promise<void> {
    await this.millrace('install');
    await this.everywhere('CREATE TABLE IF NOT EXISTS public.marker (id int PRIMARY KEY, n int NOT NULL)');
    await this.provider.run('INSERT INTO public.marker VALUES (1, 0) ON CONFLICT DO NOTHING');
    this.startServices();
    await this.millrace('add', 'public.marker', ...(what.tables ?? []), ...(what.addArgs ?? []));
    if ((what.sequences ?? []).length > 0) await this.millrace('add-seq', ...(what.sequences ?? []));
    await this.millrace('wait', '--timeout', '60s');
  }

  /** Waits until the named subscribers (default: all) have applied all that was committed before the call. */
  async sync(names: readonly string[] = [...this.subscribers.keys()], timeoutMs = 30_000): Promise<void> {
    this.#markers += 1;
    const n = this.#markers;
    await this.provider.run('UPDATE public.marker SET n = $1 WHERE id = 1', [n]);
    for (const name of names) {
      await waitFor(
        `marker ${n} at ${name}`,
        async () => Number(await this.subscriber(name).value('SELECT n FROM public.marker WHERE id = 1')) >= n,
        { timeoutMs, everyMs: 20 },
      ).catch(async (error: unknown) => {
        throw new Error(`${(error as Error).message}\n${await this.diagnosis()}`);
      });
    }
  }

  /** What a person would look at first when something hangs: the status and the ends of the logs. */
  async diagnosis(): Promise<string> {
    const status = await this.command(['status'], { timeoutMs: 20_000 }).catch((error: unknown) => ({
      stdout: String(error),
      stderr: '',
    }));
    const logs = [...this.services.values()].map(
      (service) => `--- ${service.plan.label} (${service.isRunning ? 'runs' : 'ended'})\n${service.log.slice(-1500)}`,
    );
    return [status.stdout, status.stderr, ...logs].join('\n');
  }

  /** Differences to every subscriber, one line each; empty when all is equal. Names as in SQL, public when bare. */
  async differences(
    tables: readonly (string | Named)[],
    sequences: readonly (string | Named)[] = [],
  ): Promise<string[]> {
    const found: string[] = [];
    for (const [name, database] of this.subscribers) {
      const what = { tables: tables.map(named), sequences: sequences.map(named) };
      found.push(...(await differences(this.provider, database, what)).map((line) => `${name}: ${line}`));
    }
    return found;
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.kill()));
    await Promise.all([this.provider, ...this.subscribers.values()].map((database) => database?.close()));
  }

  #urlFor(database: Database): string {
    const url = new URL(database.url);
    if (this.plan.role !== undefined) url.username = this.plan.role;
    return url.href;
  }

  #line(args: readonly string[], { config, timeoutMs }: CommandOptions): CommandLine {
    const all = ['--config', config ?? this.configFile, ...args];
    return { args: all, env: this.#env(), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  #env(): NodeJS.ProcessEnv {
    const { MILLRACE_CONFIG: _unused, ...env } = process.env;
    return { ...env, ...this.plan.env };
  }
}

/** What `millrace run KIND [NAME]` becomes, without the start of a process that finds that out. */
function serviceArgs(kind: string, config: string): string[] {
  const [service = '', name] = kind.split(' ');
  const program = join(projectRoot, 'services', service, 'src', 'main.ts');
  return [...nodeOptions, program, '--config', config, ...(name === undefined ? [] : ['--name', name])];
}

function named(table: string | Named): Named {
  return typeof table === 'string' ? { schema: 'public', name: table } : table;
}
