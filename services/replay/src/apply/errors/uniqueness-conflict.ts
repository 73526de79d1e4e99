import type { TableName } from '@millrace/model';
import { sqlstateOf } from '@millrace/postgres';
import { RetryWithRowReplacement } from './retry-signals.ts';
import { rowConflict } from './row-conflict.ts';
import { tableError } from './table-error.ts';

const uniqueViolation = '23505';
const exclusionViolation = '23P01';

/** True when a unique or exclusion constraint refused a row: in another order the same changes may pass. */
export function isUniquenessConflict(error: unknown): boolean {
  const state = sqlstateOf(error);
  return state === uniqueViolation || state === exclusionViolation;
}

/** How the refused row was being written. */
export interface RefusedWrite {
  readonly table: TableName;
  /** Name of the key's index, when rows were inserted whose key must not be there yet. */
  readonly keyIndex?: string | undefined;
  /** The table is in row-replacement mode already. */
  readonly isReplacing: boolean;
}

/**
 * What to throw when the server refused a row of a table. Its key was there already: a row conflict. Another unique or
 * exclusion constraint was hit: the order of changes may be the reason, which row-replacement mode does without.
 */
export function writeError(error: unknown, { table, keyIndex, isReplacing }: RefusedWrite): unknown {
  if (!isUniquenessConflict(error) || isReplacing) return tableError(error, table);
  const { constraint } = error as { constraint?: string };
  if (keyIndex !== undefined && constraint === keyIndex) return rowConflict(table, { op: 'insert', wrong: 1, of: 1 });
  return new RetryWithRowReplacement(table, tableError(error, table));
}
