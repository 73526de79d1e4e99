import { spawn } from 'node:child_process';
import { codes, MillraceError } from '@millrace/errors';
import { nodeOptions } from '@millrace/host';

/** Set for the process that went to the background. */
const mark = 'MILLRACE_CLASSIC_BACKGROUND';

/** What that process reports to the one that started it, once. */
type StartReport = { readonly started: true } | { readonly error: string };

/** True in the process that went to the background. */
export function isInBackground(): boolean {
  return process.env[mark] !== undefined;
}

/** Starts this command again in a session of its own, and resolves when it runs. Throws what it failed with. */
export async function goToBackground(): Promise<void> {
  const [, program = '', ...args] = process.argv;
  const child = spawn(process.execPath, [...nodeOptions, program, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [mark]: '1' },
  });
  const report = await new Promise<StartReport>((resolve) => {
    child.once('message', (message) => resolve(message as StartReport));
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('exit', (code, signal) => resolve({ error: `it ended immediately (${signal ?? `code ${code}`})` }));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if ('error' in report) throw new MillraceError(codes.PROGRAM, report.error);
}

/** Reports to the process that started this one; without one it does nothing. */
export function reportStart(report: StartReport): void {
  if (process.send === undefined || !process.connected) return;
  process.send(report, () => process.connected && process.disconnect());
}
