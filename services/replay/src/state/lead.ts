// Replay's leadership: a session lock in the subscriber's database, held by the session that applies. A leader that was frozen
// may go on for a moment after it lost the lock: what it writes is fenced by the row of the position. The lock's name has the queue
// only: a database follows a queue under one subscriber's name, and the row of the position says which.
import { SessionLead, type SessionLease, tryLead } from '@millrace/postgres';
import { type ApplySession, openApplySession } from '@millrace/subscriber';

export interface ReplayLeadOptions {
  readonly queue: string;
  readonly subscriber: string;
  readonly subscriberUrl: string;
}

/** The leadership, with the session that applies. */
export interface ReplayLease extends SessionLease {
  readonly session: ApplySession;
}

// The loop queries several times a second, so a session silent for so long belongs to a frozen process: the server ends it, and
// another instance takes over. Inside a transaction replay may wait for the rest of a large batch.
const frozenAfter = { idle_session_timeout: '10s', idle_in_transaction_session_timeout: '30s' };

/** Requests the leadership on one session, which a standby keeps between its requests. */
export class ReplayLead {
  readonly #lead: SessionLead;
  #session: ApplySession | undefined;

  constructor({ queue, subscriberUrl, subscriber }: ReplayLeadOptions) {
    this.#lead = new SessionLead({
      what: 'the leadership of replay',
      lock: (client) => tryLead(client, `replay:${queue}`),
      open: async (onLost) => {
        const session = await openApplySession(subscriberUrl, `millrace replay ${subscriber}`, frozenAfter);
        this.#session = session;
        void session.lost.then(onLost);
        return session.client;
      },
    });
  }

  /** As SessionLead. */
  async tryLead(): Promise<ReplayLease | null> {
    const lease = await this.#lead.tryLead();
    const session = this.#session;
    return lease === null || session === undefined ? null : { ...lease, session };
  }

  close(): Promise<void> {
    return this.#lead.close();
  }
}
