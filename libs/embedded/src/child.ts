import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Account, openToAll, passageCapability } from './unprivileged.ts';

/** A program and the account it runs under. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Undefined is our own account. */
  readonly account: Account | undefined;
  /** Paths the program must reach although its account may not be allowed to pass the folders above them. */
  readonly reach: readonly string[];
  /** What Linux sends the program when we die, however we die. */
  readonly deathSignal?: NodeJS.Signals;
}

/** A command as `spawn` takes it. */
export interface Spawnable {
  readonly file: string;
  readonly args: string[];
  readonly options: { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number };
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
const living = new Map<ChildProcess, NodeJS.Signals>();
let watchingExit = false;

/** Says how to run a command under its account, with none of our environment, so that PGDATA and the like cannot mislead it. */
export function asAccount(command: Command): Spawnable {
  const options = { cwd: command.cwd, env: { PATH: '/usr/bin:/bin:/usr/local/bin', LC_ALL: 'C', HOME: command.cwd } };
  if (setpriv === undefined || process.platform !== 'linux') {
    return { file: command.file, args: [...command.args], options: { ...options, ...command.account } };
  }
  return { file: setpriv, args: [...privileges(command), '--', command.file, ...command.args], options };
}

/**
 * Starts a server that ends with us. It gets its own process group, so that Ctrl-C in a terminal reaches us alone and
 * we stop it in order. `log` is the file descriptor for its output.
 */
export function spawnServer(command: Command & { deathSignal: NodeJS.Signals }, log: number): ChildProcess {
  const { file, args, options } = asAccount(command);
  const child = spawn(file, args, { ...options, stdio: ['ignore', log, log], detached: true });
  child.unref();
  stopAtExit(child, command.deathSignal);
  return child;
}

function privileges({ account, deathSignal, reach }: Command): string[] {
  const options = deathSignal === undefined ? [] : ['--pdeathsig', deathSignal.replace(/^SIG/, '')];
  if (account === undefined) return options;
  options.push(`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups');
  const capability = openToAll(reach) ? undefined : passageCapability();
  if (capability === undefined) return [...options, '--inh-caps=-all', '--ambient-caps=-all'];
  const kept = `-all,+${capability}`;
  // Without the last one access(2), with which PostgreSQL checks its own programs, would not honour the capability.
  return [...options, `--inh-caps=${kept}`, `--ambient-caps=${kept}`, '--securebits=+no_setuid_fixup'];
}

function stopAtExit(child: ChildProcess, signal: NodeJS.Signals): void {
  living.set(child, signal);
  child.once('exit', () => living.delete(child));
  child.once('error', () => living.delete(child));
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const [running, end] of living) running.kill(end);
  });
}

/** True until the child has ended. */
export function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Resolves when the child has ended: true; or after the given time in ms: false. */
export function ended(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  if (!isRunning(child)) return Promise.resolve(true);
  child.ref();
  return new Promise((resolve) => {
    const onExit = (): void => finish(true);
    const timer = setTimeout(() => finish(false), timeoutMs);
    const finish = (done: boolean): void => {
      clearTimeout(timer);
      child.off('exit', onExit);
      child.unref();
      resolve(done);
    };
    child.once('exit', onExit);
  });
}
