// How far the subscribers are with one copy, from their reports.
import type { CopyRequest } from '@millrace/provider';
import type { Report } from '@millrace/wire';
import type { Reports } from '../subscribers/reports.ts';

type ReportedTable = Report['tables'][number];

/**
 * settled: the subscriber has this copy, or a newer one, or its table is `held` until an operator acts; broken: the copy must be
 * sent again; taking: it has taken chunks up to `chunk` (-1: none yet).
 */
export type Taking =
  | { readonly kind: 'settled' }
  | { readonly kind: 'broken' }
  | { readonly kind: 'taking'; readonly chunk: number; readonly bytes: number };

const nothing: Taking = { kind: 'taking', chunk: -1, bytes: 0 };

/** What a subscriber reports of an attempt at a copy. */
export function takingOf(reports: Reports, name: string, request: CopyRequest): Taking {
  const entry = reports.get(name)?.report.tables.find((table) => isOf(table, request));
  if (entry === undefined) return nothing;
  const { copy } = entry;
  if (copy !== null && copy.id > request.copyId) return { kind: 'settled' };
  // Broken before its first chunk: the report then has no number of a copy.
  if (copy === null) return entry.broken === true ? { kind: 'broken' } : nothing;
  if (copy.id !== request.copyId) return nothing;
  if (entry.state === 'ok' || entry.state === 'catching-up' || entry.state === 'held') return { kind: 'settled' };
  if (copy.attempt !== request.attempt) return nothing;
  if (entry.broken === true) return { kind: 'broken' };
  return { kind: 'taking', chunk: copy.chunk, bytes: entry.copied_bytes };
}

function isOf(table: ReportedTable, { table: wanted }: CopyRequest): boolean {
  return table.schema === wanted.schema && table.name === wanted.name;
}

/** Subscribers of a request that are there, run, and do not have it yet. */
export function takersOf(reports: Reports, request: CopyRequest, registered: ReadonlySet<string>): string[] {
  return request.subscribers.filter(
    (name) =>
      registered.has(name) &&
      reports.ofRunning(name) !== undefined &&
      takingOf(reports, name, request).kind !== 'settled',
  );
}

/** True when no registered subscriber still needs it. */
export function isSettled(reports: Reports, request: CopyRequest, registered: ReadonlySet<string>): boolean {
  return request.subscribers.every(
    (name) => !registered.has(name) || takingOf(reports, name, request).kind === 'settled',
  );
}
