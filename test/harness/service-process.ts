import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { waitFor } from '@millrace/testkit';

export interface ProcessPlan {
  /** For messages: "capture", "replay eu, standby". */
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Appended to, over all lives of the process. */
  readonly logFile: string;
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
const running = new Set<ServiceProcess>();
process.once('exit', () => {
  for (const one of running) one.signal('SIGKILL');
});

/** One service as a real process in a group of its own; it can be killed, frozen and started again. */
export class ServiceProcess {
  readonly plan: ProcessPlan;
  #child: ChildProcess | undefined;
  /** How often it was started. */
  lives = 0;

  constructor(plan: ProcessPlan) {
    this.plan = plan;
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** The exit code of the last life; null while it runs or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** Everything it has written so far. */
  get log(): string {
    return existsSync(this.plan.logFile) ? readFileSync(this.plan.logFile, 'utf8') : '';
  }

  start(): void {
    if (this.isRunning) return;
    const log = openSync(this.plan.logFile, 'a');
    // With the test runner killed, its services must go too.
    const [file, args] =
      setpriv === undefined
        ? [this.plan.file, [...this.plan.args]]
        : [setpriv, ['--pdeathsig', 'KILL', '--', this.plan.file, ...this.plan.args]];
    const child = spawn(file, args, {
      cwd: this.plan.cwd,
      env: this.plan.env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    child.unref();
    this.#child = child;
    this.lives += 1;
    running.add(this);
    child.once('exit', () => running.delete(this));
  }

  /** Sends a signal to the whole group; one that is gone is no error. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** SIGKILL, waited for. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended(10_000);
  }

  /** SIGTERM; gives the exit code and how long it took. Throws when it has not ended in time. */
  async stop(timeoutMs = 15_000): Promise<{ code: number | null; ms: number }> {
    const begin = performance.now();
    if (this.isRunning) {
      this.signal('SIGCONT');
      this.signal('SIGTERM');
    }
    await this.ended(timeoutMs);
    return { code: this.exitCode, ms: performance.now() - begin };
  }

  async ended(timeoutMs: number): Promise<void> {
    await waitFor(`the end of ${this.plan.label}`, () => !this.isRunning, { timeoutMs, everyMs: 20 });
  }

  /** The largest resident memory of the process and those below it, in bytes, since it started; 0 without /proc. */
  peakMemory(): number {
    const pid = this.pid;
    return pid === undefined || !existsSync('/proc/self/stat') ? 0 : Math.max(...groupOf(pid).map(peakOf));
  }
}

function groupOf(group: number): number[] {
  const members = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return members.map(Number).filter((pid) => {
    const fields = /\) \S \d+ (\d+) /.exec(readProc(pid, 'stat'));
    return Number(fields?.[1]) === group;
  });
}

function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? 0) * 1024;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
