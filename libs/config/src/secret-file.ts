import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file that only this account may read, whatever its mode was before; a reader never sees half of it. */
export function writeSecret(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  // A new file, and none that a link of another account leads to.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
