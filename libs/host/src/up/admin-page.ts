import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { adminToken, adminTokenFile, type Config, pageLink, runFile } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';

const pollMs = 200;

/** A link that opens the page of the admin that runs from this data_dir, once. Throws PROGRAM when none runs, FORBIDDEN without its token. */
export function linkToPage(config: Config): string {
  const url = runningAdmin(config);
  if (url === undefined) {
    throw new MillraceError(codes.PROGRAM, `no admin runs from ${config.data_dir}`, {
      advice: 'start it with `millrace up` or `millrace run admin`',
    });
  }
  const token = adminToken(config);
  if (token !== undefined) return pageLink(url, token);
  throw new MillraceError(
    codes.FORBIDDEN,
    `the configuration has no http.token, and ${adminTokenFile(config)} cannot be read`,
    {
      advice: 'run this as the account that runs admin',
    },
  );
}

/** Says where the page is as soon as admin runs: on a terminal with a link that opens it, elsewhere how to get one. */
export async function announcePage(
  config: Config,
  { signal, say }: { signal: AbortSignal; say: (line: string) => void },
): Promise<void> {
  while (!signal.aborted) {
    const url = runningAdmin(config);
    if (url !== undefined) {
      const canOpen = process.stderr.isTTY === true && adminToken(config) !== undefined;
      say(
        canOpen
          ? `page: ${linkToPage(config)} (once, within ten minutes)`
          : `page: ${url}; \`millrace page\` prints a link that opens it`,
      );
      return;
    }
    await delay(pollMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** Where it listens; undefined when none runs. */
function runningAdmin(config: Config): string | undefined {
  try {
    const { url, pid } = JSON.parse(readFileSync(runFile(config, 'admin'), 'utf8')) as { url: string; pid: number };
    return isAlive(pid) ? url : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
