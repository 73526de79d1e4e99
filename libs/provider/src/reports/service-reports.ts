import type { Queryable } from '@millrace/postgres';
import { query } from '../query.ts';

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
  await query(client, 'reporting', 'SELECT millrace.report_service($1, $2, $3, $4, $5, $6)', [
    queue,
    service,
    instance,
    state,
    error?.code ?? null,
    error?.message ?? null,
  ]);
}
