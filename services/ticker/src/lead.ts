// Leadership of a ticker. The session that holds the lock is the one that ticks, so a leader that lost its lock cannot tick
// by it any more; and ticking takes its own lock, so even two leaders do no harm.
import { type PgClient, SessionLead } from '@millrace/postgres';
import { openSession } from './session.ts';

export interface TickerLeadOptions {
  readonly url: string;
  /** For errors: `the leadership of the ticker`. */
  readonly what: string;
  /** Longest pause between two statements of the leader or of a standby, milliseconds. */
  readonly pauseMs: number;
  /** Requests the lock; true when this session now has it. */
  readonly lock: (client: PgClient) => Promise<boolean>;
}

export function tickerLead({ url, what, pauseMs, lock }: TickerLeadOptions): SessionLead {
  return new SessionLead({
    what,
    lock,
    open: (onLost) =>
      openSession(url, {
        applicationName: 'millrace ticker',
        // Longer than any pause of a healthy process, busy machine included.
        silenceMs: 5_000 + 3 * pauseMs,
        onLost,
      }),
  });
}
