// Sessions that no hung host can block for ever, and the leadership that lives in one.
import { codes, toMillraceError } from '@millrace/errors';
import { connect, neutralSettings, type PgClient, type Queryable, SessionLead } from '@millrace/postgres';

/** Upper bound of one statement at the server. */
const usualStatementMs = 10_000;
/** How much longer we wait for the answer, so that the server's own error comes first. */
const answerMoreMs = 2_000;

export interface SessionOptions {
  readonly applicationName: string;
  /** The server ends the session after this silence, milliseconds: a frozen leader loses its lock. 0: never. */
  readonly silenceMs: number;
  /** Upper bound of one statement, milliseconds. Default 10,000. */
  readonly statementMs?: number;
  readonly onLost: (error: unknown) => void;
}

/** Opens a session with bounds on both sides. Throws as `connect` does. */
export function openSession(url: string, options: SessionOptions): Promise<PgClient> {
  const { applicationName, silenceMs, statementMs = usualStatementMs, onLost } = options;
  const settings = {
    ...neutralSettings,
    statement_timeout: `${statementMs}ms`,
    idle_session_timeout: `${silenceMs}ms`,
  };
  return connect(url, { applicationName, queryTimeoutMs: statementMs + answerMoreMs, settings, onLost });
}

export interface TickerLeadOptions {
  readonly url: string;
  /** For errors: `the leadership of the ticker`. */
  readonly what: string;
  /** Maximal pause between two statements of the leader or of a standby, milliseconds. */
  readonly pauseMs: number;
  /** Requests the lock; true when this session now has it. */
  readonly lock: (client: PgClient) => Promise<boolean>;
}

/**
 * Leadership of a ticker. The session that holds the lock is the one that ticks, so a leader that lost its lock cannot tick by it
 * any more; and ticking takes its own lock, so even two leaders do no harm.
 */
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

/**
 * The same session, with each statement parsed and planned once: for those that run many times a second. The texts must be
 * few and constant.
 */
export function prepared(client: PgClient): Queryable {
  const names = new Map<string, string>();
  const query = (text: string, values: unknown[]) => {
    const name = names.get(text) ?? `millrace_${names.size + 1}`;
    names.set(text, name);
    return client.query({ name, text, values });
  };
  return { query } as unknown as Queryable;
}

/**
 * Whether only a new session helps: this one failed, or its prepared statement no longer fits (0A000 after an upgrade of the
 * schema). A lock or a timeout passes on the same session.
 */
export function requiresNewSession(error: unknown): boolean {
  const { code, sqlstate } = toMillraceError(error);
  return code === codes.DATABASE_UNREACHABLE || code === codes.INTERNAL || sqlstate === '0A000';
}
