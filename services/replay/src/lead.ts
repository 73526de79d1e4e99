// Replay's lead: a session lock in the subscriber's database, held by the session that applies. A leader that was frozen
// may outlive it by a moment: what it writes is fenced by the position row.
import type { Lease } from '@millrace/lifecycle';
import { databaseError, tryLead } from '@millrace/postgres';
import { type ApplySession, closeSession, openApplySession } from '@millrace/subscriber';
import type { ReplayOptions } from './config.ts';

/** The lead, with the session that applies. */
export type ReplayLease = Lease & {
  readonly session: ApplySession;
  /** Says that the session is not to be trusted any more: the lead ends and is asked for anew. */
  abandon(): void;
};

// The loop asks something several times a second, so a session silent for so long belongs to a frozen process: the server
// ends it, and a twin takes over. Inside a transaction replay may wait for the rest of a large batch.
const frozenAfter = { idle_session_timeout: '10s', idle_in_transaction_session_timeout: '30s' };

/** Asks for the lead on one session, kept between the questions of a stand-by. */
export class LeadSession {
  readonly #options: ReplayOptions;
  #session: ApplySession | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** The lead, or null while a twin has it. Throws DATABASE_UNREACHABLE and the like; the next call connects anew. */
  async tryLead(): Promise<ReplayLease | null> {
    const { queue, subscriberUrl, subscriber } = this.#options;
    try {
      this.#session ??= await openApplySession(subscriberUrl, `millrace replay ${subscriber}`, frozenAfter);
      const session = this.#session;
      if (!(await tryLead(session.client, `replay:${queue}`))) return null;
      const { promise: abandoned, resolve: abandon } = Promise.withResolvers<void>();
      const lost = Promise.race([session.lost, abandoned]);
      return { session, lost, abandon, release: () => this.close() };
    } catch (error) {
      await this.close();
      throw databaseError(error, 'asking for the lead of replay');
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) await closeSession(session.client);
  }
}
