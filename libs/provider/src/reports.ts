import type { Queryable } from '@millrace/postgres';
import { ask, askOne, isoTime } from './ask.ts';

/** What the leading instance of a provider-side service says about itself for one queue. */
export interface ServiceReport {
  readonly queue: string;
  readonly service: 'ticker' | 'capture';
  /** Which process: host and pid, or the like. */
  readonly instance: string;
  readonly state: 'running' | 'paused' | 'stopped';
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Writes the report; only the leader does. */
export async function reportService(client: Queryable, report: ServiceReport): Promise<void> {
  const { queue, service, instance, state, error } = report;
  await ask(client, 'reporting', 'SELECT millrace.report_service($1, $2, $3, $4, $5, $6)', [
    queue,
    service,
    instance,
    state,
    error?.code ?? null,
    error?.message ?? null,
  ]);
}

/** The last report of each service of a queue, with its age by the provider's clock in ms. */
export async function serviceReports(
  client: Queryable,
  queue: string,
): Promise<(ServiceReport & { readonly ageMs: number })[]> {
  const sql = `SELECT queue, service, instance, state, error_code, error_message,
      pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - reported_at) * 1000)::int AS age_ms
    FROM millrace.service_report WHERE queue = $1 ORDER BY service`;
  type Row = Omit<ServiceReport, 'error'> & { error_code: string | null; error_message: string | null; age_ms: number };
  const rows = await ask<Row>(client, 'reading reports', sql, [queue]);
  return rows.map(({ error_code: code, error_message: message, age_ms: ageMs, ...rest }) => ({
    ...rest,
    error: code === null ? null : { code, message: message ?? '' },
    ageMs,
  }));
}

/** One line of the audit. */
export interface AuditEntry {
  /** ISO time. */
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Writes into the audit what a person asked for; names and numbers only, never values of rows. */
export async function writeAudit(
  client: Queryable,
  queue: string,
  what: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await askOne(client, 'writing the audit', 'SELECT millrace.note($1, $2, $3::jsonb)', [
    queue,
    what,
    JSON.stringify(detail),
  ]);
}

/** The newest entries, newest first. */
export async function readAudit(client: Queryable, limit: number): Promise<AuditEntry[]> {
  const sql = `SELECT ${isoTime('at')} AS at, who, what, detail::text AS detail FROM millrace.audit ORDER BY id DESC LIMIT $1`;
  const rows = await ask<Omit<AuditEntry, 'detail'> & { detail: string }>(client, 'reading the audit', sql, [limit]);
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }));
}
