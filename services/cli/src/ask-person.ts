import { createInterface } from 'node:readline/promises';

/** Asks on the terminal; undefined where nobody sits at one. Anything but `y` or `yes` means no. */
export function personToAsk(): ((question: string) => Promise<boolean>) | undefined {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    // Ctrl-C or Ctrl-D is an answer, too.
    const silence = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(question), silence]);
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  };
}
