import { codes } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { databaseError, type PgClient, readTableShape, type TableShape } from '@millrace/postgres';
import { lockTableSql } from './plan-compare.ts';

/** A table that cannot be compared, with the reason as the end of a sentence; a new tick may help. */
export class NotComparable extends Error {
  readonly isPassing: boolean;

  constructor(reason: string, more: { isPassing?: boolean } = {}) {
    super(reason);
    this.isPassing = more.isPassing ?? false;
  }
}

/**
 * Locks a table against being altered, until the transaction ends, and reads its shape. Throws NotComparable when rows of the
 * snapshot are not there any more, and when there is no such table.
 */
export async function readShape(client: PgClient, table: TableName): Promise<TableShape> {
  try {
    await client.query(lockTableSql(table));
  } catch (error) {
    throw lockFailure(error, table);
  }
  const found = await readTableShape(client, table);
  if (found === undefined) throw altered();
  const { filesThen, filesNow, rowSecurity, ...shape } = found;
  if (filesThen !== filesNow) throw altered();
  if (rowSecurity) throw new NotComparable('row security hides rows of it from our role');
  return shape;
}

function altered(): NotComparable {
  return new NotComparable('it was truncated or altered in this moment', { isPassing: true });
}

function lockFailure(error: unknown, table: TableName): Error {
  const known = databaseError(error, `reading ${tableLabel(table)}`);
  if (known.code === codes.DATABASE_BUSY) return new NotComparable('it is being altered', { isPassing: true });
  if (known.sqlstate === '42P01' || known.sqlstate === '3F000') return new NotComparable('it is missing there');
  return known;
}
