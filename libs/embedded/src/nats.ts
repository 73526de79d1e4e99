import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import { natsServerBinary } from './binaries.ts';
import { ended, isRunning, spawnServer } from './child.ts';
import { clearPredecessor, removeHolder, writeHolder } from './instance-lock.ts';
import { freePort } from './ports.ts';
import { signalProcess, until } from './processes.ts';

/** What to start. */
export interface NatsOptions {
  /** Folder of this server alone; made when missing. JetStream's store is in `jetstream` below it. */
  readonly dir: string;
  /** TCP port on 127.0.0.1; default: a free one. */
  readonly port?: number;
  /** Largest message in bytes; default 8 MiB (the server's own default is 1 MiB). */
  readonly maxPayload?: number;
  /** Whoever connects must show it, and `url` holds it. Default: none, anybody on this machine may connect. */
  readonly token?: string;
  /** Lines appended to the server's configuration file. */
  readonly configExtra?: string;
  /** The program, default: the one on PATH or fetched by set-up. */
  readonly binary?: string;
}

const defaultMaxPayload = 8 * 1024 * 1024;
const startMs = 60_000;
const stopMs = 20_000;

/** Starts a nats-server with JetStream and resolves when it takes clients. Throws `program` when it does not. */
export async function startNats(options: NatsOptions): Promise<EmbeddedNats> {
  const server = new EmbeddedNats(options);
  await server.start();
  return server;
}

/** One embedded nats-server. */
export class EmbeddedNats {
  readonly dir: string;
  readonly #options: NatsOptions;
  #port: number | undefined;
  #child: ChildProcess | undefined;

  constructor(options: NatsOptions) {
    this.#options = options;
    this.#port = options.port;
    this.dir = resolve(options.dir);
  }

  /** The TCP port; the same after a restart. */
  get port(): number {
    if (this.#port === undefined) throw new MillraceError(codes.PROGRAM, 'nats-server was never started');
    return this.#port;
  }

  /** Process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child !== undefined && isRunning(this.#child) ? this.#child.pid : undefined;
  }

  get url(): string {
    const { token } = this.#options;
    return `nats://${token === undefined ? '' : `${encodeURIComponent(token)}@`}127.0.0.1:${this.port}`;
  }

  /** Where JetStream keeps its streams. */
  get storeDir(): string {
    return join(this.dir, 'jetstream');
  }

  get logFile(): string {
    return join(this.dir, 'nats.log');
  }

  /** Starts a server that is down; one that runs is left alone. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    mkdirSync(this.dir, { recursive: true });
    await clearPredecessor(this.dir, this.#configFile, 'SIGTERM');
    const choosePort = this.#port === undefined;
    for (let tries = 1; ; tries += 1) {
      this.#port ??= await freePort();
      if (await this.#launch()) return;
      const problem = this.#logTail();
      if (!choosePort || !problem.includes('address already in use') || tries === 20) {
        throw new MillraceError(codes.PROGRAM, `nats-server in ${this.dir} did not start: ${problem}`);
      }
      this.#port = undefined;
    }
  }

  /** Stops the server and waits for its end. Safe when it is down already. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (isRunning(child)) child.kill('SIGTERM');
    if (!(await ended(child, stopMs))) {
      child.kill('SIGKILL');
      await ended(child, stopMs);
    }
    removeHolder(this.dir);
  }

  /** Sends a signal; SIGKILL is waited for. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || !isRunning(child)) return;
    signalProcess(child.pid, signal);
    if (signal === 'SIGKILL') await ended(child, stopMs);
  }

  /** Stops and starts again on the same port and store. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  get #configFile(): string {
    return join(this.dir, 'nats.conf');
  }

  async #launch(): Promise<boolean> {
    const name = `millrace-${process.pid}-${this.port}`;
    rmSync(this.#configFile, { force: true });
    writeFileSync(this.#configFile, this.#config(name), { mode: 0o600 });
    const log = openSync(this.logFile, 'w', 0o600);
    const child = spawnServer(
      {
        file: this.#options.binary ?? natsServerBinary(),
        args: ['-c', this.#configFile],
        cwd: this.dir,
        account: undefined,
        deathSignal: 'SIGTERM',
        reach: [],
      },
      log,
    );
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) writeHolder(this.dir, child.pid);
    const isUp = async (): Promise<boolean> => (await greeting(this.port)).includes(`"server_name":"${name}"`);
    let up = false;
    await until(async () => {
      up = await isUp();
      return up || !isRunning(child);
    }, startMs);
    if (!up) await this.kill('SIGKILL');
    return up;
  }

  #config(name: string): string {
    const { token, maxPayload = defaultMaxPayload } = this.#options;
    return [
      `listen: "127.0.0.1:${this.port}"`,
      `server_name: ${JSON.stringify(name)}`,
      `max_payload: ${maxPayload}`,
      `max_pending: ${Math.max(64 * 1024 * 1024, 2 * maxPayload)}`,
      `jetstream: { store_dir: ${JSON.stringify(this.dir)} }`,
      ...(token === undefined ? [] : [`authorization { token: ${JSON.stringify(token)} }`]),
      this.#options.configExtra ?? '',
      '',
    ].join('\n');
  }

  #logTail(): string {
    try {
      return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-5).join(' | ');
    } catch {
      return 'it left no log';
    }
  }
}

/** The line a nats-server greets every client with; empty while there is none. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(1000, finish);
    socket.once('error', finish);
    socket.once('close', finish);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('\n')) finish();
    });
  });
}
