import { safeInteger } from '@millrace/model';
import type { PgClient, Queryable } from '@millrace/postgres';
import type { Control } from './position.ts';

/** The present generation of the desired state, and whether replay is paused; undefined when the queue is not registered here. */
export async function readControl(client: Queryable, queue: string): Promise<Control | undefined> {
  const found = await client.query({
    name: 'millrace_control',
    text: 'SELECT paused, generation FROM millrace.control WHERE queue = $1',
    values: [queue],
  });
  const row = found.rows[0];
  return row === undefined ? undefined : { paused: row.paused, generation: safeInteger(row.generation) };
}

/**
 * Calls back whenever the desired state of a queue changed, for as long as the session lives. During a transaction of this
 * session the server holds notifications back.
 */
export async function onDesiredStateChange(client: PgClient, queue: string, listener: () => void): Promise<void> {
  client.on('notification', ({ channel, payload }) => {
    if (channel === 'millrace_wish' && payload === queue) listener();
  });
  await client.query('LISTEN millrace_wish');
}

/** Pauses replay after its batch, or resumes it. Repeating it changes nothing. False when the queue is not registered here. */
export async function setPaused(client: Queryable, queue: string, paused: boolean): Promise<boolean> {
  const done = await client.query(
    `UPDATE millrace.control SET paused = $2, generation = generation + (paused <> $2)::int WHERE queue = $1`,
    [queue, paused],
  );
  return done.rowCount === 1;
}

export interface ReplayState {
  readonly state: 'running' | 'paused' | 'stopped';
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Writes the report of replay; an equal one only refreshes the time. */
export async function writeReplayReport(client: Queryable, queue: string, report: ReplayState): Promise<void> {
  await client.query(
    `INSERT INTO millrace.replay_report (queue, state, error_code, error_message) VALUES ($1, $2, $3, $4)
     ON CONFLICT (queue) DO UPDATE SET state = excluded.state, error_code = excluded.error_code,
       error_message = excluded.error_message, reported_at = clock_timestamp()`,
    [queue, report.state, report.error?.code ?? null, report.error?.message ?? null],
  );
}

/** Records who requested what. `detail` must not contain row values or secrets. */
export async function writeAudit(client: Queryable, what: string, detail: Record<string, unknown> = {}): Promise<void> {
  await client.query('INSERT INTO millrace.audit (what, detail) VALUES ($1, $2)', [what, JSON.stringify(detail)]);
}

const maxRefusedMessages = 100;

/** A message on the bus that will not be applied, and why. */
export interface RefusedMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly bytes: number;
  readonly reason: string;
}

/** Keeps a small record of a message that was refused; the newest hundred of a queue stay. */
export async function recordRefused(
  client: Queryable,
  queue: string,
  { subject, sequence, bytes, reason }: RefusedMessage,
): Promise<void> {
  await client.query(
    'INSERT INTO millrace.refused_message (queue, subject, sequence, bytes, reason) VALUES ($1, $2, $3, $4, $5)',
    [queue, subject, sequence, bytes, reason],
  );
  await client.query(
    `DELETE FROM millrace.refused_message WHERE queue = $1 AND id <=
       (SELECT id FROM millrace.refused_message WHERE queue = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)`,
    [queue, maxRefusedMessages],
  );
}
