// Sessions that end with a signal, whatever they do or wait for.
import { addAbortListener } from 'node:events';
import { codes, MillraceError } from '@millrace/errors';
import { connect, disconnect, type PgClient } from '@millrace/postgres';
import { type ApplySession, openApplySession } from './apply-session.ts';

/** With what a session ends. */
export interface SessionBound {
  readonly url: string;
  readonly applicationName: string;
  readonly signal: AbortSignal;
  /** What the session does when the signal comes may take this much longer, ms. */
  readonly graceMs: number;
}

/** The server that is to end a session must accept a connection, and answer, within this, ms. */
const terminateTimeoutMs = 1000;

// Behind a pooler the number may be that of another session, which has another name.
const terminateSql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid = $1 AND usename = current_user AND datname = current_database() AND application_name LIKE 'millrace replay%'`;

/** Opens a session for applying that ends with the signal. Throws DATABASE_UNREACHABLE and the like, also once aborted. */
export async function openBoundSession(bound: SessionBound): Promise<ApplySession> {
  if (!bound.signal.aborted) {
    const opening = openApplySession(bound.url, bound.applicationName);
    const session = await orAborted(opening, bound.signal);
    if (session !== undefined) {
      endWithSignal(session.client, bound);
      return session;
    }
    void opening.then(
      ({ client }) => disconnect(client, 0),
      () => {},
    );
  }
  throw new MillraceError(codes.DATABASE_UNREACHABLE, 'opening a session of replay was broken off');
}

/** Ends a session `graceMs` after the signal, unless it has ended by then. */
export function endWithSignal(client: PgClient, bound: SessionBound): void {
  let timer: NodeJS.Timeout | undefined;
  const listening = addAbortListener(bound.signal, () => {
    timer = setTimeout(() => void terminate(client, bound), bound.graceMs);
  });
  client.once('end', () => {
    clearTimeout(timer);
    listening[Symbol.dispose]();
  });
}

/** The server does not notice a lost connection while it works or waits for a lock, so the session is ended there first. */
async function terminate(client: PgClient, { url, applicationName }: SessionBound): Promise<void> {
  const { processID } = client as PgClient & { readonly processID?: number };
  let other: PgClient | undefined;
  try {
    other = await connect(url, {
      applicationName,
      connectTimeoutMs: terminateTimeoutMs,
      queryTimeoutMs: terminateTimeoutMs,
    });
    await other.query(terminateSql, [processID]);
  } catch {
    // Then it is only our end of the connection that goes.
  } finally {
    await Promise.all([disconnect(client, 0), disconnect(other)]);
  }
}

/** The result, or undefined when the signal comes first. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const listening = addAbortListener(signal, () => resolve(undefined));
  try {
    return await Promise.race([work, aborted]);
  } finally {
    listening[Symbol.dispose]();
  }
}
