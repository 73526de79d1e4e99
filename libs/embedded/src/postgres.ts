import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError } from '@millrace/errors';
import { type PostgresBinaries, postgresBinaries } from './binaries.ts';
import { ended, isRunning, spawnServer } from './child.ts';
import { prepareCluster } from './data-directory.ts';
import { clearPredecessor, removeHolder, writeHolder } from './instance-lock.ts';
import { freePort } from './ports.ts';
import { descendants, signalProcess, until } from './processes.ts';

/** What to start. */
export interface PostgresOptions {
  /** Folder of this server alone; made when missing. The cluster is in `data` below it, the log in `postgres.log`. */
  readonly dir: string;
  /** Major version, default 18. */
  readonly major?: number;
  /** Folder of its programs; default: where that version is installed. */
  readonly binDir?: string;
  /** TCP port on 127.0.0.1; default: a free one. */
  readonly port?: number;
  /** Server settings on top of the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Begin with an empty cluster even if there is one. Default false. */
  readonly fresh?: boolean;
  /** The superuser's name, default `postgres`. */
  readonly user?: string;
  /**
   * The superuser's password; then no client connects without one (scram-sha-256), and `url` holds it. A cluster that had
   * none, or another, gets it at the start. Default: none, anybody on this machine may connect.
   */
  readonly password?: string;
  /** False turns fsync off: faster, and a crash of the machine (not of the server) may lose data. Default true. */
  readonly durable?: boolean;
}

/** smart waits for clients, fast ends their sessions, immediate is a crash without the mess. */
export type StopMode = 'smart' | 'fast' | 'immediate';

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const startMs = 120_000;
const stopMs = 60_000;

/** Starts a PostgreSQL of our own and resolves when it takes connections. Throws `program` when it does not. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const server = new EmbeddedPostgres(options);
  await server.start();
  return server;
}

/** One embedded server. */
export class EmbeddedPostgres {
  readonly dir: string;
  readonly user: string;
  readonly major: number;
  readonly #options: PostgresOptions;
  readonly #binaries: PostgresBinaries;
  #settings: Readonly<Record<string, string>>;
  #port: number | undefined;
  #child: ChildProcess | undefined;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#settings = options.settings ?? {};
    this.#binaries = postgresBinaries(options.major, options.binDir);
    this.#port = options.port;
    this.dir = resolve(options.dir);
    this.user = options.user ?? 'postgres';
    this.major = this.#binaries.major;
  }

  /** The TCP port; the same after a restart. */
  get port(): number {
    if (this.#port === undefined) throw new MillraceError(codes.PROGRAM, 'PostgreSQL was never started');
    return this.#port;
  }

  /** The postmaster's process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child !== undefined && isRunning(this.#child) ? this.#child.pid : undefined;
  }

  /** Connection string for the superuser and the database `postgres`, with the password if there is one. */
  get url(): string {
    return this.urlOf('postgres');
  }

  /** Connection string for the superuser and another database. */
  urlOf(database: string): string {
    const { password } = this.#options;
    const who = [this.user, ...(password === undefined ? [] : [password])].map(encodeURIComponent).join(':');
    return `postgresql://${who}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  get dataDir(): string {
    return join(this.dir, 'data');
  }

  get logFile(): string {
    return join(this.dir, 'postgres.log');
  }

  /** Starts a server that is down; one that runs is left alone. After a crash it recovers first. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    mkdirSync(this.dir, { recursive: true });
    await clearPredecessor(this.dir, this.dataDir, 'SIGINT');
    if (this.#port === undefined && this.#options.fresh) rmSync(this.dataDir, { recursive: true, force: true });
    const choosePort = this.#port === undefined;
    for (let tries = 1; ; tries += 1) {
      this.#port ??= await freePort();
      const problem = await this.#launch();
      if (problem === undefined) return;
      // Backends of a postmaster that was killed alone need a moment to notice and release its memory.
      const passing = problem.includes('pre-existing shared memory');
      if ((!passing && !(choosePort && problem.includes('could not bind'))) || tries === 20) {
        throw new MillraceError(codes.PROGRAM, `PostgreSQL in ${this.dir} did not start: ${problem}`, {
          advice: `see ${this.logFile}`,
        });
      }
      if (choosePort) this.#port = undefined;
      if (passing) await delay(200);
    }
  }

  /** Stops the server and waits for its end. Safe when it is down already. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (isRunning(child)) child.kill(stopSignals[mode]);
    if (!(await ended(child, stopMs)) && isRunning(child)) {
      child.kill('SIGQUIT');
      if (!(await ended(child, stopMs))) await this.kill('SIGKILL');
    }
    removeHolder(this.dir);
  }

  /**
   * Sends a signal to the postmaster and every process below it: SIGKILL is a crash of the whole server and is waited
   * for, SIGSTOP and SIGCONT simulate a hung host.
   */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = this.pid;
    if (pid === undefined) return;
    const all = [pid, ...descendants(pid)];
    for (const one of all) signalProcess(one, signal);
    if (signal === 'SIGKILL' && this.#child !== undefined) await ended(this.#child, stopMs);
  }

  /** Stops (fast) and starts again, with other settings if given. */
  async restart(more: { mode?: StopMode; settings?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.stop(more.mode ?? 'fast');
    this.#settings = { ...this.#settings, ...more.settings };
    await this.start();
  }

  /** One attempt; gives what went wrong, or undefined when the server is ready. */
  async #launch(): Promise<string | undefined> {
    const account = await prepareCluster({
      dataDir: this.dataDir,
      binaries: this.#binaries,
      superuser: this.user,
      password: this.#options.password,
      durable: this.#options.durable ?? true,
      settings: this.#settings,
    });
    const log = openSync(this.logFile, 'w', 0o600);
    const child = spawnServer(
      {
        file: this.#binaries.postgres,
        args: ['-D', this.dataDir, '-p', String(this.port)],
        cwd: this.dataDir,
        account,
        deathSignal: 'SIGINT',
        reach: [this.dataDir, this.#binaries.postgres],
      },
      log,
    );
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) writeHolder(this.dir, child.pid);
    await until(() => this.#isReady() || !isRunning(child), startMs);
    if (this.#isReady()) return undefined;
    if (isRunning(child)) await this.kill('SIGKILL');
    return this.#logTail();
  }

  /** The postmaster writes its state into line 8 of its pid file, and its own id into line 1. */
  #isReady(): boolean {
    try {
      const lines = readFileSync(join(this.dataDir, 'postmaster.pid'), 'utf8').split('\n');
      const state = lines[7]?.trim();
      return Number(lines[0]) === this.pid && (state === 'ready' || state === 'standby');
    } catch {
      return false;
    }
  }

  #logTail(): string {
    try {
      return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-5).join(' | ');
    } catch {
      return 'it left no log';
    }
  }
}
