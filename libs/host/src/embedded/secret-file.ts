import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/** Writes a file that only this account may read, whatever its mode was before; a reader never sees half of it. */
export function writeSecret(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  // The mode above holds for a new file only.
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
