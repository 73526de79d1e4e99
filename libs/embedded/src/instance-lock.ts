import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import { commandLine, isAlive, signalProcess, until } from './processes.ts';

/** What one server's directory says about who started the server in it. */
interface Holder {
  /** The process that started the server. */
  readonly owner: number;
  /** The server. */
  readonly server: number;
}

const fileName = 'running.json';
const waitMs = 20_000;

/**
 * Makes sure that no server runs in `dir` any more. One whose starter is dead (killed, so that the server had no order
 * to stop or has not finished stopping) is stopped and waited for; one whose starter lives is not ours to touch: `program`.
 * `mark` is a piece of the server's command line, so that a process that merely got the same id is left alone.
 */
export async function clearPredecessor(dir: string, mark: string, endSignal: NodeJS.Signals): Promise<void> {
  const holder = readHolder(dir);
  if (holder === undefined || !isServer(holder.server, mark)) return;
  // A starter that was killed a moment ago is given the moment to be gone.
  const orphaned = await until(() => holder.owner === process.pid || !isAlive(holder.owner), 2_000);
  if (!orphaned) {
    throw new MillraceError(codes.PROGRAM, `${dir} is in use by process ${holder.owner}`, {
      advice: 'stop that one first, or choose another data_dir',
    });
  }
  const gone = (): boolean => !isServer(holder.server, mark);
  if (!gone()) signalProcess(holder.server, endSignal);
  if (await until(gone, waitMs)) return;
  signalProcess(holder.server, 'SIGKILL');
  if (!(await until(gone, waitMs))) {
    throw new MillraceError(codes.PROGRAM, `process ${holder.server} in ${dir} does not end`);
  }
}

/** Notes who runs the server in `dir`. */
export function writeHolder(dir: string, server: number): void {
  writeFileSync(join(dir, fileName), JSON.stringify({ owner: process.pid, server } satisfies Holder));
}

/** Takes the note away after the server has ended. */
export function removeHolder(dir: string): void {
  rmSync(join(dir, fileName), { force: true });
}

function readHolder(dir: string): Holder | undefined {
  const path = join(dir, fileName);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isServer(pid: number, mark: string): boolean {
  return isAlive(pid) && commandLine(pid).includes(mark);
}
