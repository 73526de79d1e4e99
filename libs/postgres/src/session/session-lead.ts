// Leadership by a session: the leader is whoever's session holds a lock (session-lock.ts). The server frees the lock with the session,
// so there is no lease to renew and no clock to compare.
//
//   process of the leader              database                        process of a standby
//   session A ── lock ok ───────────▶  lock held by A  ◀── lock ok? ─ session B: no, requests it again later
//   works                                  │
//   exits, is killed, or lost ─────▶   A ends, lock free ◀─ lock ok ── session B: leads
//   is frozen: the server ends A
//   after idle_session_timeout ────▶   A ends, lock free
//
// Must hold: whoever opens the session sets idle_session_timeout well above the maximal pause between two statements of a
// healthy leader or standby. A thawed leader may work on for a moment until it notices that A ended, so what it writes is
// fenced elsewhere: by the lock of ticking, the stream's last sequence, the row of the position.
// What a process does with the lease, and its states, are in libs/lifecycle (leadership.ts).
import type { PgClient } from '../client.ts';
import { statementError } from '../database-error.ts';
import { KeptSession, type OpenSession } from './kept-session.ts';

export interface SessionLeadOptions {
  /** For errors: `the leadership of capture`. */
  readonly what: string;
  /** Opens the session that holds the lock. */
  readonly open: OpenSession;
  /** Requests the lock; true when this session now has it, or had it already. */
  readonly lock: (client: PgClient) => Promise<boolean>;
}

/** Leadership, for as long as the session lives. */
export interface SessionLease {
  readonly client: PgClient;
  /** Settles when the session is gone or was abandoned; never rejects. */
  readonly lost: Promise<unknown>;
  /** Says that the session is not to be trusted any more: the leadership ends and is requested again on a new session. */
  abandon(): void;
  /** Ends the session, and with it the leadership. Never throws. */
  release(): Promise<void>;
}

/** Requests the leadership on one session, which a standby keeps between its requests. */
export class SessionLead {
  readonly #options: SessionLeadOptions;
  readonly #session: KeptSession;
  #lost = Promise.withResolvers<unknown>();

  constructor(options: SessionLeadOptions) {
    this.#options = options;
    this.#session = new KeptSession((onLost) => {
      const lost = Promise.withResolvers<unknown>();
      this.#lost = lost;
      return options.open((error) => {
        lost.resolve(error);
        onLost(error);
      });
    });
  }

  /** The lease, or null while another instance leads. Throws DATABASE_UNREACHABLE and the like; the next call opens a new session. */
  async tryLead(): Promise<SessionLease | null> {
    try {
      const client = await this.#session.get();
      const { promise: lost, resolve } = this.#lost;
      if (!(await this.#options.lock(client))) return null;
      return { client, lost, abandon: () => resolve(undefined), release: () => this.close() };
    } catch (error) {
      await this.close();
      throw statementError(error, `requesting ${this.#options.what}`);
    }
  }

  /** Ends the session, leader or not. Never throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
