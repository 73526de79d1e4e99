import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** True when a process with this id runs, whoever owns it; one that ended and was not yet buried does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return process.platform !== 'linux' || !/\) Z /.test(readProc(`/proc/${pid}/stat`));
}

/** The command line of a process; empty when there is none. */
export function commandLine(pid: number): string {
  if (process.platform !== 'linux') return ps(['-o', 'command=', '-p', String(pid)]).trim();
  return readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** All processes below this one. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of processTable()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  const next = [pid];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    const below = children.get(at) ?? [];
    found.push(...below);
    next.push(...below);
  }
  return found;
}

/** Pairs of process and parent. A bare Debian has no `ps`, so Linux is read from /proc. */
function processTable(): [number, number][] {
  if (process.platform !== 'linux') {
    const lines = ps(['-A', '-o', 'pid=,ppid=']).trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  // The name in parentheses may hold anything; the parent's id is the second field after the last one.
  return pids.map((pid) => [Number(pid), Number(/\) \S (\d+) [^)]*$/.exec(readProc(`/proc/${pid}/stat`))?.[1] ?? 0)]);
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Polls until the condition holds: true; or until the time in ms is over: false. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(15);
  }
  return true;
}

function ps(args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
