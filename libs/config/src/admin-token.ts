// What an operator needs to be let in by admin: the token, and a link that opens the page with it once.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inDataDir, makeFolder } from './data-folder.ts';
import type { Config } from './load.ts';
import { writeSecret } from './secret-file.ts';

/** A link is for the person who has just requested it. */
const linkMs = 10 * 60_000;

/** The file with the token that admin makes at its start when the configuration has none: only this account may read it. */
export function adminTokenFile(config: Config): string {
  return join(config.data_dir, 'run', 'admin.token');
}

/** Makes that token, another one at every call, and writes the file. Throws CONFIG. */
export function makeAdminToken(config: Config): string {
  const file = adminTokenFile(config);
  const token = randomBytes(32).toString('hex');
  inDataDir(config.data_dir, () => {
    makeFolder(dirname(file));
    writeSecret(file, `${token}\n`);
  });
  return token;
}

/** Removes the file of an earlier start: what is in it lets nobody in any more. */
export function dropAdminToken(config: Config): void {
  rmSync(adminTokenFile(config), { force: true });
}

/** The token by which admin lets in: `http.token`, else that of the file; undefined when there is none that may be read. */
export function adminToken(config: Config): string | undefined {
  if (config.http.token !== undefined) return config.http.token;
  try {
    return readFileSync(adminTokenFile(config), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** A link to the page of the admin at `url`. Admin lets in who opens it, once, within ten minutes. */
export function pageLink(url: string, token: string, now = Date.now()): string {
  const code = `${now + linkMs}.${randomBytes(16).toString('hex')}`;
  return `${reachable(url)}/session?code=${code}.${signature(code, token)}`;
}

/** Until when the code of a link may be used, milliseconds since 1970; undefined: it was not made with the token, or is too old. */
export function pageCodeEnd(code: string, token: string, now = Date.now()): number | undefined {
  const [, signed = '', end = '', given = ''] = /^((\d{1,15})\.[0-9a-f]{32})\.([0-9a-f]{64})$/.exec(code) ?? [];
  if (given === '' || !timingSafeEqual(Buffer.from(given), Buffer.from(signature(signed, token)))) return undefined;
  return Number(end) >= now && Number(end) <= now + linkMs ? Number(end) : undefined;
}

function signature(code: string, token: string): string {
  return createHmac('sha256', token).update(`millrace page ${code}`).digest('hex');
}

/** Nobody can connect to the address that stands for all. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}
