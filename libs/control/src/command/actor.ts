import { hostname, userInfo } from 'node:os';

/** Who types a command: `alice@db1`, or `alice as root@db1` under sudo. */
export function localActor(): string {
  const user = accountName();
  const before = process.env['SUDO_USER'];
  return `${before === undefined || before === user ? user : `${before} as ${user}`}@${hostname()}`;
}

/** A container may run under a number that has no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
