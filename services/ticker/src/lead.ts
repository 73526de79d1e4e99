// The ticker's lead: a session lock at the provider. The session that holds the lock is the one that ticks, so a leader
// that lost its lock cannot tick by it any more; and millrace.tick takes its own lock, so even two leaders do no harm.
import type { Lease } from '@millrace/lifecycle';
import { databaseError, type PgClient, tryLead } from '@millrace/postgres';
import type { TickerOptions } from './config.ts';
import { closeSession, openSession } from './session.ts';

/** The lead, with the session it lives in. */
export type TickerLease = Lease & {
  readonly client: PgClient;
  /** Says that the session is not to be trusted any more: the lead ends and is asked for anew. */
  abandon(): void;
};

/** Asks for the lead on one session, kept between the questions of a stand-by. */
export class LeadSession {
  readonly #options: TickerOptions;
  #client: PgClient | undefined;
  #lost = Promise.withResolvers<unknown>();

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** The lead, or null while a twin has it. Throws DATABASE_UNREACHABLE and the like; the next call connects anew. */
  async tryLead(): Promise<TickerLease | null> {
    try {
      this.#client ??= await this.#open();
      const isLeader = await tryLead(this.#client, `ticker:${this.#options.queue}`);
      if (!isLeader) return null;
      const { promise: lost, resolve: abandon } = this.#lost;
      return { client: this.#client, lost, abandon: () => abandon(undefined), release: () => this.close() };
    } catch (error) {
      await this.close();
      throw databaseError(error, 'asking for the lead of the ticker');
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
    const { providerUrl, idleMs, standbyMs } = this.#options;
    // Longer than any pause of a healthy process, busy machine included.
    const silenceMs = 5_000 + 3 * Math.max(idleMs, standbyMs);
    let client: PgClient | undefined;
    client = await openSession(providerUrl, {
      applicationName: 'millrace ticker',
      silenceMs,
      onLost: (error) => {
        if (this.#client === client) this.#client = undefined;
        lost.resolve(error);
      },
    });
    return client;
  }
}
