import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './standing.ts';

/** Where a fetched program was unpacked, or why it is not there: for the title of the tests that are then skipped. */
export type Fetched =
  | { readonly dir: string; readonly why?: undefined }
  | { readonly dir?: undefined; readonly why: string };

/** A program that only some tests or measurements need; it is fetched when the first of them asks. */
export function fetched(name: string): Fetched {
  const script = join(projectRoot, 'infra', 'setup', 'fetch.mjs');
  return JSON.parse(execFileSync(process.execPath, [script, name], { encoding: 'utf8' })) as Fetched;
}

/** The end of a title: nothing, or that it is skipped and why. */
export function skipped({ why }: Fetched): string {
  return why === undefined ? '' : ` (skipped: ${why})`;
}
