import { spawn } from 'node:child_process';
import { codes, MillraceError } from '@millrace/errors';
import { nodeOptions } from '@millrace/host';

/** Set for the process that went to the background. */
const mark = 'MILLRACE_CLASSIC_BACKGROUND';

/** What that process tells the one that started it, once. */
type Told = { readonly started: true } | { readonly error: string };

/** True in the process that went to the background. */
export function isInBackground(): boolean {
  return process.env[mark] !== undefined;
}

/** Starts this very command once more, in a session of its own, and resolves when it runs. Throws what it failed with. */
export async function goToBackground(): Promise<void> {
  const [, program = '', ...args] = process.argv;
  const child = spawn(process.execPath, [...nodeOptions, program, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [mark]: '1' },
  });
  const told = await new Promise<Told>((resolve) => {
    child.once('message', (message) => resolve(message as Told));
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('exit', (code, signal) => resolve({ error: `it ended at once (${signal ?? `code ${code}`})` }));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if ('error' in told) throw new MillraceError(codes.PROGRAM, told.error);
}

/** Tells the process that started us how it went; harmless when there is none. */
export function tellStarter(told: Told): void {
  if (process.send === undefined || !process.connected) return;
  process.send(told, () => process.connected && process.disconnect());
}
