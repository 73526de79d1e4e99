// Who may request what over HTTP. A page of another site, or a name of another's that leads here, must not be able to change or
// read anything, though the browser of an administrator can reach us.
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { codes, MillraceError } from '@millrace/errors';

/**
 * Who may use a route. `open`: everybody who can connect, for probes. `read`: under a name of this host. `guarded`: with the token,
 * or from a browser that came by a link. `change`: the same, and never from another site's page.
 */
export type Access = 'open' | 'read' | 'guarded' | 'change';

/** What the gate checks against. */
export interface GateRules {
  /** What changes, and what is not for everybody, need; undefined: there is none, and nobody gets them. */
  readonly token: string | undefined;
  /** How to come by it, for people. */
  readonly tokenFrom: string;
  /** Whether cookies are those of a browser that came by a link of `millrace page`. */
  readonly hasSession: (cookies: string | undefined) => boolean;
  /** Names besides addresses and `localhost` under which admin may be reached. */
  readonly names: readonly string[];
}

/** Of a request's headers, those that matter; names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Throws UNAUTHORIZED or FORBIDDEN. */
export function checkAccess(access: Access, headers: Headers, rules: GateRules): void {
  if (access === 'open') return;
  const known = hasToken(headers, rules);
  // Whoever knows the token is no page that was led here by a false name.
  if (!known) checkName(headers, rules);
  if (access === 'read') return;
  // A browser sends a cookie with requests of other pages as well.
  if (access === 'change' || !known) checkOrigin(headers);
  if (known || rules.hasSession(one(headers, 'cookie'))) return;
  if (rules.token !== undefined) {
    throw new MillraceError(codes.UNAUTHORIZED, 'this needs the token', {
      advice: `send \`Authorization: Bearer TOKEN\` with ${rules.tokenFrom}, or open the page by the link that \`millrace page\` prints`,
    });
  }
  throw new MillraceError(codes.FORBIDDEN, 'admin listens beyond this host and no token is set', {
    advice: 'set http.token in the configuration, or listen on 127.0.0.1',
  });
}

/** Whether only this host can connect. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

function hasToken(headers: Headers, { token }: GateRules): boolean {
  const given = /^Bearer +(\S+)$/i.exec(one(headers, 'authorization') ?? '')?.[1];
  return token !== undefined && given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A name that somebody else owns may be made to lead here (DNS rebinding); an address cannot. */
function checkName(headers: Headers, { names }: GateRules): void {
  const host = one(headers, 'host');
  if (host === undefined) return;
  const name = hostName(host);
  if (name === 'localhost' || isIP(name) !== 0) return;
  if (names.some((known) => known.toLowerCase() === name)) return;
  throw new MillraceError(codes.FORBIDDEN, `admin is not known as ${JSON.stringify(name)}`, {
    advice: 'add the name to http.names in the configuration',
  });
}

function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d*$/, '')).toLowerCase();
}

function checkOrigin(headers: Headers): void {
  const [origin, host, site] = [one(headers, 'origin'), one(headers, 'host'), one(headers, 'sec-fetch-site')];
  const foreign =
    (origin !== undefined && origin.replace(/^https?:\/\//, '').toLowerCase() !== host?.toLowerCase()) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (foreign) throw new MillraceError(codes.FORBIDDEN, 'this request comes from a page of another site');
}

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
