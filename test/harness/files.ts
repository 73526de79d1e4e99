import { chmodSync, chownSync, cpSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Copies a folder as `cp -a` would: with owners and modes, so that a server under another account finds its own. */
export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  keep(from, to);
}

function keep(from: string, to: string): void {
  const { uid, gid, mode } = lstatSync(from);
  if (process.getuid?.() === 0) chownSync(to, uid, gid);
  chmodSync(to, mode);
  if (!lstatSync(from).isDirectory()) return;
  for (const name of readdirSync(from)) keep(join(from, name), join(to, name));
}
