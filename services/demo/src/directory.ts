import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serverNames } from '@millrace/host';

const timeoutMs = 20_000;

/** Empties the demo's folder; servers of an earlier demo that was killed are still ending perhaps, so they are waited for. */
export async function clearDemoDirectory(dir: string): Promise<void> {
  const pids = [...serverNames, 'nats'].flatMap((name) => serverIn(join(dir, name)));
  const deadline = performance.now() + timeoutMs;
  while (pids.some(isAlive) && performance.now() < deadline) await delay(25);
  rmSync(dir, { recursive: true, force: true });
}

/** The server process that the note in its folder names, unless the number belongs to something else by now. */
function serverIn(dir: string): number[] {
  try {
    const { server } = JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as { server: number };
    return readFileSync(`/proc/${server}/cmdline`, 'utf8').includes(dir) ? [server] : [];
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
