import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const runs = join(fileURLToPath(new URL('../../../', import.meta.url)), '.tools', 'test-runs');

/** A new empty folder for one test's servers, inside the project so that nothing is left outside it. */
export function scratchDir(label: string): string {
  const dir = join(runs, `${label}-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Removes what test processes that were killed have left behind. */
export function clearAbandonedScratch(): void {
  for (const name of existsSync(runs) ? readdirSync(runs) : []) {
    const pid = Number(/-(\d+)-[0-9a-f]+$/.exec(name)?.[1]);
    if (!isAlive(pid)) rmSync(join(runs, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
