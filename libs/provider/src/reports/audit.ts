// Who gave which command, at the provider. Names and numbers only, never values of rows or secrets.
import { safeInteger } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { isoTime, query, queryOne } from '../query.ts';

/** One line of the audit: a command that was given, or (without `actor`) something the schema's own functions did. */
export interface AuditEntry {
  readonly id: number;
  /** ISO time, UTC. */
  readonly at: string;
  /** The role of the session. */
  readonly role: string;
  /** Who gave the command: `user@host`, or the caller over HTTP. */
  readonly actor: string | null;
  readonly what: string;
  readonly arguments: string | null;
  /** null: it has not ended, or nobody was there to write that down. */
  readonly outcome: 'done' | 'failed' | null;
  /** Code of the error it failed with. */
  readonly error: string | null;
  readonly ended_at: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Writes what was done for a person outside of a command. */
export async function writeAudit(
  client: Queryable,
  queue: string,
  what: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await queryOne(client, 'writing the audit', 'SELECT millrace.note($1, $2, $3::jsonb)', [
    queue,
    what,
    JSON.stringify(detail),
  ]);
}

/** Writes that a command begins; the line's id. Lines older than the newest 10,000 are let go. */
export async function beginCommand(
  client: Queryable,
  command: { readonly queue: string; readonly actor: string; readonly name: string; readonly arguments: string },
): Promise<number> {
  const row = await queryOne<{ id: string }>(
    client,
    'writing the audit',
    'SELECT millrace.begin_command($1, $2, $3, $4) AS id',
    [command.queue, command.actor, command.name, command.arguments],
  );
  return safeInteger(row.id);
}

/** Completes that line. `error` is a code. */
export async function endCommand(
  client: Queryable,
  id: number,
  end: { readonly outcome: 'done' | 'failed'; readonly error: string | null },
): Promise<void> {
  await queryOne(client, 'writing the audit', 'SELECT millrace.end_command($1, $2, $3)', [id, end.outcome, end.error]);
}

/** The newest lines of a queue (null: of all), newest first: commands, or with `all` also what the schema's functions noted. */
export async function readAudit(
  client: Queryable,
  { queue, limit, all = false }: { readonly queue: string | null; readonly limit: number; readonly all?: boolean },
): Promise<AuditEntry[]> {
  const sql = `SELECT id::text AS id, ${isoTime('at')} AS at, who AS role, actor, what, arguments, outcome, error,
      ${isoTime('ended_at')} AS ended_at, (detail - 'queue')::text AS detail
    FROM millrace.audit
    WHERE CASE WHEN actor IS NULL THEN $3 AND ($1::text IS NULL OR detail ->> 'queue' = $1) ELSE $1 IS NULL OR queue = $1 END
    ORDER BY audit.id DESC LIMIT $2`;
  type Row = Omit<AuditEntry, 'detail' | 'id'> & { id: string; detail: string };
  const rows = await query<Row>(client, 'reading the audit', sql, [queue, limit, all]);
  return rows.map((row) => ({
    ...row,
    id: safeInteger(row.id),
    detail: JSON.parse(row.detail) as Record<string, unknown>,
  }));
}
