import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inDataDir, makeFolder } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';

/** Who holds a lock. `started` distinguishes a process from a later one with the same id. */
interface Holder {
  readonly pid: number;
  readonly started: string;
}

/**
 * Takes the lock for running `what` in `dataDir`, for as long as this process lives; returns the function that releases it.
 * Throws PROGRAM when another living process has it, CONFIG when the folder cannot be written. A dead one's lock is taken
 * over.
 */
export function takeLock(dataDir: string, what: string): () => void {
  const folder = join(dataDir, 'run');
  const path = join(folder, `up-${what.replaceAll(':', '-')}.lock`);
  const draft = `${path}.${process.pid}`;
  inDataDir(dataDir, () => {
    makeFolder(folder);
    writeFileSync(draft, JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder));
  });
  try {
    for (let tries = 0; ; tries += 1) {
      if (linked(draft, path)) return () => release(path);
      const holder = readHolder(path);
      if (holder !== undefined && isAlive(holder)) throw inUse(dataDir, what, holder.pid);
      if (tries === 20) throw inUse(dataDir, what, holder?.pid ?? 0);
      dropStale(path, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A hard link is created atomically, so two that start concurrently cannot both have it. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Renames the file before it is checked again: of two that do so one finds it gone. */
function dropStale(path: string, holder: Holder | undefined): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  // Another process took it in between: give it back.
  if (moved !== undefined && moved.pid !== holder?.pid && isAlive(moved)) linked(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string): void {
  if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === '' || startOf(pid) === '' || startOf(pid) === started;
}

/** When the process was started, in ticks since boot; `ended` for a zombie; empty if it cannot be known. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function inUse(dataDir: string, what: string, pid: number): MillraceError {
  return new MillraceError(codes.PROGRAM, `${what} is already running from ${dataDir}, by process ${pid}`, {
    advice: 'stop that one first, or use another data_dir',
  });
}
