// Sessions with the provider that no hung host can block for ever.
import { codes, toMillraceError } from '@millrace/errors';
import { applySettings, connect, disconnect, neutralSettings, type PgClient, type Queryable } from '@millrace/postgres';

/** Longest time the server may work on one statement. */
const STATEMENT_MS = 10_000;
/** So much longer we wait for its answer: the server shall speak first. */
const ANSWER_MORE_MS = 2_000;

export type SessionOptions = {
  applicationName: string;
  /** The server ends the session after this silence, milliseconds: a frozen leader loses its lock. 0 = never. */
  silenceMs: number;
  /** Longest time for one statement, milliseconds. Default 10,000. */
  statementMs?: number;
  onLost: (error: unknown) => void;
};

/** Opens a session with bounds on both sides. Throws as `connect` does. */
export async function openSession(url: string, options: SessionOptions): Promise<PgClient> {
  const { applicationName, silenceMs, statementMs = STATEMENT_MS, onLost } = options;
  const client = await connect(url, { applicationName, queryTimeoutMs: statementMs + ANSWER_MORE_MS, onLost });
  try {
    await applySettings(client, {
      ...neutralSettings,
      statement_timeout: `${statementMs}ms`,
      idle_session_timeout: `${silenceMs}ms`,
    });
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

/**
 * The same session, with each statement parsed and planned once: for those asked many times a second. The texts must be
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
export function costsTheSession(error: unknown): boolean {
  const { code, sqlstate } = toMillraceError(error);
  return code === codes.DATABASE_UNREACHABLE || code === codes.INTERNAL || sqlstate === '0A000';
}
