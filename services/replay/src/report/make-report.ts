// The report of a replay, as the provider's side and every operator read it on the bus.
import type { TableName } from '@millrace/model';
import type { StoredPosition, SubscribedTable } from '@millrace/subscriber';
import { type Report, wireVersion } from '@millrace/wire';

/** The state of a replay, as far as it is reported. */
export interface ReplayFacts {
  readonly position: StoredPosition | undefined;
  readonly state: Report['state'];
  readonly busy: boolean;
  readonly error: Report['error'];
  readonly gap: Report['gap'];
  readonly lagMs: number;
  readonly tables: readonly SubscribedTable[];
}

/** How a copy under way stands. */
export interface CopyProgress {
  readonly id: number;
  readonly attempt: number;
  /** Last chunk taken; -1: none yet. */
  readonly chunk: number;
  readonly rows: number;
  readonly bytes: number;
  readonly broken: boolean;
  /** What the provider's statistics say of the table. */
  readonly estimate: { readonly rows: number; readonly bytes: number } | undefined;
  /** Over the last seconds. */
  readonly rowsPerS: number | undefined;
  readonly error: string | null;
}

export interface ReportedReplay {
  readonly queue: string;
  readonly subscriber: string;
  readonly copyOf: (table: TableName) => CopyProgress | undefined;
}

const maxErrorChars = 4000;
const maxTableErrorChars = 2000;

/** Undefined while the position is not known. */
export function makeReport({ queue, subscriber, copyOf }: ReportedReplay, facts: ReplayFacts): Report | undefined {
  const { position, state, busy, error, gap, lagMs, tables } = facts;
  if (position === undefined) return undefined;
  return {
    v: wireVersion,
    kind: 'report',
    subscriber,
    queue,
    provider: position.provider,
    tick: position.tick,
    fingerprint: position.fingerprint,
    state,
    busy,
    error: error === null ? null : { code: error.code, message: error.message.slice(0, maxErrorChars) },
    gap,
    tables: tables.map((table) => tableReport(table, copyOf(table))),
    applied_at: position.appliedAt,
    lag_ms: lagMs,
    at: new Date().toISOString(),
  };
}

function tableReport(table: SubscribedTable, progress: CopyProgress | undefined): Report['tables'][number] {
  const error = progress?.error ?? table.error;
  return {
    schema: table.schema,
    name: table.name,
    state: table.state,
    copied_rows: progress?.rows ?? table.copiedRows,
    copied_bytes: progress?.bytes ?? table.copiedBytes,
    copy: copyReport(table, progress),
    ...(progress?.broken === true ? { broken: true } : {}),
    ...(progress?.estimate === undefined ? {} : { estimate: progress.estimate }),
    ...(progress?.rowsPerS === undefined ? {} : { rows_per_s: progress.rowsPerS }),
    ...(error === null ? {} : { error: error.slice(0, maxTableErrorChars) }),
  };
}

/** The copy under way, or the one that the table has: capture needs its number to know that it arrived. */
function copyReport(table: SubscribedTable, progress: CopyProgress | undefined): Report['tables'][number]['copy'] {
  if (progress !== undefined) {
    const { id, attempt, chunk } = progress;
    return chunk < 0 ? null : { id, attempt, chunk };
  }
  const isIn = table.state === 'catching-up' || table.state === 'ok' || table.state === 'held';
  return isIn && table.copyId !== null ? { id: table.copyId, attempt: table.copyAttempt ?? 0, chunk: 0 } : null;
}
