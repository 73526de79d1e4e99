import { createHash, randomBytes } from 'node:crypto';
import { pageCodeEnd } from '@millrace/config';

/** How long a browser is let in that came by a link. */
const sessionMs = 12 * 3_600_000;
/** Who needs more opens a new link. */
const maxSessions = 100;

/** Cookies do not know ports: that of another admin under the same name is another one. */
const cookieName = (port: number | undefined) => `millrace-${port}`;
const cookies = /(?:^|;\s*)millrace-\d{1,5}=([0-9a-f]{64})(?=;|$)/g;

/** Browsers that came by a link of `millrace page`, in memory: a new start of admin wants new links. */
export class PageSessions {
  /** By the digest of the cookie's value: until when, ms since 1970. */
  readonly #open = new Map<string, number>();
  /** Codes that were used, and until when they could be. */
  readonly #used = new Map<string, number>();

  /** The `Set-Cookie` for who has the code; undefined: it is not ours, too old, or was used. */
  enter(code: string, token: string, port: number | undefined): string | undefined {
    const end = pageCodeEnd(code, token);
    forgetOld(this.#used);
    if (end === undefined || this.#used.has(code)) return undefined;
    this.#used.set(code, end);
    const value = randomBytes(32).toString('hex');
    this.#open.set(digest(value), Date.now() + sessionMs);
    const [oldest] = this.#open.keys();
    if (this.#open.size > maxSessions && oldest !== undefined) this.#open.delete(oldest);
    return `${cookieName(port)}=${value}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Whether one of the cookies of a request is that of an open session. */
  has(header: string | undefined): boolean {
    forgetOld(this.#open);
    return [...(header ?? '').matchAll(cookies)].some(([, value = '']) => this.#open.has(digest(value)));
  }
}

function forgetOld(ends: Map<string, number>): void {
  const now = Date.now();
  for (const [key, end] of ends) if (end < now) ends.delete(key);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
