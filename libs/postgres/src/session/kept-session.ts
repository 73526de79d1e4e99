import type { PgClient } from '../client.ts';
import { disconnect, dropSession } from './connect.ts';

/** Opens a session. `onLost` is to be called when the session ends that we did not end; `connect` takes it unchanged. */
export type OpenSession = (onLost: (error: unknown) => void) => Promise<PgClient>;

/**
 * One session that is opened when it is needed, shared by all callers, and forgotten when it is lost or closed. After that the
 * next caller opens another.
 */
export class KeptSession {
  readonly #open: OpenSession;
  #session: Promise<PgClient> | undefined;

  constructor(open: OpenSession) {
    this.#open = open;
  }

  /** The session. Throws what `open` throws; the next call tries again. */
  get(): Promise<PgClient> {
    this.#session ??= this.#openAnother();
    return this.#session;
  }

  /** Ends the session as `disconnect` does; one that is being opened is ended once it is open. Never throws. */
  async close(): Promise<void> {
    await this.#forget()?.then((client) => disconnect(client), ignore);
  }

  /** Drops the session, whatever it is doing: what uses it fails. */
  drop(): void {
    this.#forget()?.then(dropSession, ignore);
  }

  #openAnother(): Promise<PgClient> {
    // A session may be lost before `open` returns, and an old one after a new one was opened.
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    const session = this.#open(forget);
    session.catch(forget);
    return session;
  }

  #forget(): Promise<PgClient> | undefined {
    const session = this.#session;
    this.#session = undefined;
    return session;
  }
}

function ignore(): void {
  // A session that could not be opened needs no end.
}
