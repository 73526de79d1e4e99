import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A user other than root, for programs that refuse to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** True when files must be handed to another account before PostgreSQL may use them. */
function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account PostgreSQL runs under when we are root: the owner of an existing data directory, so that it stays the
 * same over the years, else `postgres`, else `nobody`. It has to be in the list of users because initdb resolves it.
 */
export function serverAccount(dataDir: string): Account | undefined {
  if (!isRoot()) return undefined;
  const owner = ownerOf(dataDir);
  if (owner !== undefined && owner.uid !== 0) return owner;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody', '_postgres']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined && Number(fields[2]) > 0) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('root may not run PostgreSQL, and there is no user `postgres` or `nobody` to run it under');
}

function ownerOf(path: string): Account | undefined {
  try {
    const { uid, gid } = statSync(path);
    return { uid, gid };
  } catch {
    return undefined;
  }
}

/** True when every folder on the way to each path may be entered by anybody. */
export function openToAll(paths: readonly string[]): boolean {
  return paths.every((path) => {
    for (let dir = dirname(resolve(path)); ; dir = dirname(dir)) {
      if ((statSync(dir).mode & 0o001) === 0) return false;
      if (dir === dirname(dir)) return true;
    }
  });
}

/**
 * The one capability that lets a process pass folders closed to it (a project below /root): reading and entering
 * only, or where a container has taken that away, the wider one. Undefined when we have neither.
 */
export function passageCapability(): 'dac_read_search' | 'dac_override' | undefined {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const mask = Number.parseInt(line?.[1]?.slice(-2) ?? '0', 16);
  if ((mask & 0b100) !== 0) return 'dac_read_search';
  if ((mask & 0b010) !== 0) return 'dac_override';
  return undefined;
}
