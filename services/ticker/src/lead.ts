// The lead of a ticker: a session lock in its database. The session that holds the lock is the one that ticks, so a leader
// that lost its lock cannot tick by it any more; and ticking takes its own lock, so even two leaders do no harm.
import type { Lease } from '@millrace/lifecycle';
import { databaseError, type PgClient } from '@millrace/postgres';
import { closeSession, openSession } from './session.ts';

/** The lead, with the session it lives in. */
export type TickerLease = Lease & {
  readonly client: PgClient;
  /** Says that the session is not to be trusted any more: the lead ends and is asked for anew. */
  abandon(): void;
};

export type LeadSessionOptions = {
  url: string;
  /** For errors: `the lead of the ticker`. */
  what: string;
  /** Longest pause between two statements of the leader or of a stand-by, milliseconds. */
  pauseMs: number;
  /** Asks for the lock; true when this session now has it. */
  ask: (client: PgClient) => Promise<boolean>;
};

/** Asks for the lead on one session, kept between the questions of a stand-by. */
export class LeadSession {
  readonly #options: LeadSessionOptions;
  #client: PgClient | undefined;
  #lost = Promise.withResolvers<unknown>();

  constructor(options: LeadSessionOptions) {
    this.#options = options;
  }

  /** The lead, or null while a twin has it. Throws DATABASE_UNREACHABLE and the like; the next call connects anew. */
  async tryLead(): Promise<TickerLease | null> {
    try {
      this.#client ??= await this.#open();
      if (!(await this.#options.ask(this.#client))) return null;
      const { promise: lost, resolve: abandon } = this.#lost;
      return { client: this.#client, lost, abandon: () => abandon(undefined), release: () => this.close() };
    } catch (error) {
      await this.close();
      throw databaseError(error, `asking for ${this.#options.what}`);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await closeSession(client);
  }

  async #open(): Promise<PgClient> {
    const lost = Promise.withResolvers<unknown>();
    this.#lost = lost;
    const { url, pauseMs } = this.#options;
    let client: PgClient | undefined;
    client = await openSession(url, {
      applicationName: 'millrace ticker',
      // Longer than any pause of a healthy process, busy machine included.
      silenceMs: 5_000 + 3 * pauseMs,
      onLost: (error) => {
        if (this.#client === client) this.#client = undefined;
        lost.resolve(error);
      },
    });
    return client;
  }
}
