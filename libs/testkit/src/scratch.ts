import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spreadFolders } from './spread-folders.ts';

/** Where everything lies that tests fetch or make, inside the project so that nothing is left outside it. */
export const toolsDir = join(fileURLToPath(new URL('../../../', import.meta.url)), '.tools');

const runs = join(toolsDir, 'test-runs');

/** A new empty folder for one test's servers. */
export function scratchDir(label: string): string {
  const dir = join(runs, `${label}-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Makes the place of all scratch folders, and removes what test processes that were killed have left there. */
export function prepareScratch(): void {
  mkdirSync(runs, { recursive: true });
  spreadFolders(runs);
  removeAbandoned(runs);
}

/** Removes the folders in `dir` whose name ends in the id of a process that is gone, and in random digits. */
export function removeAbandoned(dir: string): void {
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const pid = /-(\d+)-[0-9a-f]+$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
