import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Backoff } from '@millrace/lifecycle';
import { nodeOptions } from '../project.ts';
import { eachLine } from './child-output.ts';

/** One process that the supervisor keeps running. */
export interface ChildPlan {
  /** `ticker`, `replay:eu`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Every line it writes. */
  readonly onLine: (line: string) => void;
  /** It ended unexpectedly; it is started again after `delayMs`. */
  readonly onEnded: (how: string, delayMs: number) => void;
}

/** A process that lived this long was healthy: the next delay is short again. */
const healthyAfterMs = 20_000;
const killAfterMs = 12_000;
const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
const watchProgram = fileURLToPath(new URL('./end-with-parent.ts', import.meta.url));

/** Starts the process, starts it again whenever it ends, and stops it finally. It never outlives this process. */
export class ChildService {
  readonly plan: ChildPlan;
  readonly #backoff = new Backoff({ minMs: 200, maxMs: 10_000 });
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  /** How often it was started. */
  starts = 0;

  constructor(plan: ChildPlan) {
    this.plan = plan;
  }

  /** Process id; undefined while it is down. */
  get pid(): number | undefined {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  start(): void {
    if (this.#stopping || this.pid !== undefined) return;
    this.starts += 1;
    const begin = performance.now();
    const child = this.#spawn();
    this.#child = child;
    if (child.stdout !== null) eachLine(child.stdout, this.plan.onLine);
    if (child.stderr !== null) eachLine(child.stderr, this.plan.onLine);
    child.stdin?.on('error', () => {});
    child.once('error', (error) => this.#ended(`could not be started (${error.message})`, begin));
    child.once('exit', (code, signal) =>
      this.#ended(signal === null ? `ended with code ${code}` : `was ended by ${signal}`, begin),
    );
  }

  /** SIGTERM, and SIGKILL when it takes too long. Safe when it is down, and twice. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || this.pid === undefined) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    // A stopped process handles no SIGTERM before it is continued.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    await gone;
    clearTimeout(timer);
  }

  #spawn(): ChildProcess {
    // On Linux it is killed when this process ends, however it ends; elsewhere it notices that its standard input has closed.
    const node = [process.execPath, ...nodeOptions, '--import', watchProgram, this.plan.program, ...this.plan.args];
    const [file = '', ...args] = setpriv === undefined ? node : [setpriv, '--pdeathsig', 'KILL', '--', ...node];
    const options = {
      stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MILLRACE_SUPERVISED: '1' },
    };
    // A process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which stops all in order.
    return spawn(file, args, { ...options, detached: true });
  }

  #ended(how: string, begin: number): void {
    if (this.#stopping) return;
    if (performance.now() - begin > healthyAfterMs) this.#backoff.reset();
    const delayMs = Math.round(this.#backoff.next());
    this.plan.onEnded(how, delayMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), delayMs);
  }
}
