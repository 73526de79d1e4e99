import type { Queryable } from '@millrace/postgres';
import { ask } from './ask.ts';

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
