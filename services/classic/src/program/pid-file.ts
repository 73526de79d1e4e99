import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError } from '@millrace/errors';
import type { DaemonSignal } from './arguments.ts';

/** Part of the command line of every classic daemon, which distinguishes it from another process with the same id. */
const ours = /classic\/src\/(pgqadm|londiste)\.ts/;
const waitMs = 60_000;

/** The process id in the file, if that process is a running classic daemon. */
function runningPid(file: string): number | undefined {
  const pid = Number(readText(file)?.trim());
  return Number.isInteger(pid) && pid > 1 && isOurs(pid) ? pid : undefined;
}

/** Writes our process id; gives the way to take it back. Throws PROGRAM when a daemon runs with this file already. */
export function takePidFile(file: string): () => void {
  for (let tries = 0; ; tries += 1) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
      return () => {
        if (readText(file)?.trim() === String(process.pid)) rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 5) throw cannotWrite(file, error);
    }
    const pid = runningPid(file);
    if (pid !== undefined) throw new MillraceError(codes.PROGRAM, `it is running already, as process ${pid} (${file})`);
    rmSync(file, { force: true });
  }
}

/** Sends the signal; SIGINT and SIGTERM wait for the end. False when no daemon runs. Throws TIMEOUT. */
export async function signalDaemon(file: string, signal: DaemonSignal): Promise<boolean> {
  const pid = runningPid(file);
  if (pid === undefined) return false;
  process.kill(pid, signal);
  if (signal === 'SIGHUP') return true;
  const end = performance.now() + waitMs;
  while (isOurs(pid)) {
    if (performance.now() > end)
      throw new MillraceError(codes.TIMEOUT, `process ${pid} has not ended within ${waitMs / 1_000} s`);
    await delay(50);
  }
  return true;
}

function isOurs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // Empty for one that has ended and is not buried yet; no such file where there is no /proc.
  const commandLine = readText(`/proc/${pid}/cmdline`);
  return commandLine === undefined ? process.platform !== 'linux' : ours.test(commandLine);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function cannotWrite(file: string, cause: unknown): MillraceError {
  return new MillraceError(codes.CONFIG, `the pid file ${file} cannot be written`, { cause });
}
