// Sessions with the provider. What reads much must not be ended by a timeout, and must not delay a stop.
import { connect, neutralSettings, type PgClient } from '@millrace/postgres';

export interface SessionOptions {
  readonly applicationName: string;
  /** The server ends the session after this silence, ms: a frozen leader loses its lock. 0 (default): never. */
  readonly silenceMs?: number;
  /** Longest wait for the answer to one query, ms. Not for COPY. Default: none. */
  readonly answerMs?: number;
  readonly onLost?: (error: unknown) => void;
}

/** Opens a session. Throws as `connect` does. */
export function openSession(url: string, options: SessionOptions): Promise<PgClient> {
  const { applicationName, silenceMs = 0, answerMs, onLost } = options;
  return connect(url, {
    applicationName,
    ...(answerMs === undefined ? {} : { queryTimeoutMs: answerMs }),
    // Batches are sorted by event id, which needs memory, and JIT would cost more than it saves.
    settings: {
      ...neutralSettings,
      statement_timeout: String(answerMs ?? 0),
      idle_session_timeout: String(silenceMs),
      work_mem: '64MB',
      jit: 'off',
    },
    ...(onLost === undefined ? {} : { onLost }),
  });
}
