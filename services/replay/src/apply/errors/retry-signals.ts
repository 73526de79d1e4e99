// Errors that are never shown: they end an attempt to apply a batch and say how the next one is to be made.
import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';

/** A table was altered after it was read: roll back, read it, apply again. It may have code of its owner now. */
export class TableAltered extends MillraceError {
  constructor(table: TableName) {
    super(codes.DATABASE_BUSY, `table ${tableLabel(table)} was altered at the subscriber while a batch was applied`);
  }
}

/** The desired state changed between planning and the transaction: roll back, read it, plan again. */
export class DesiredStateChanged extends Error {}

/** Several batches could not be applied together: roll back and apply them one by one. What is wrong is known of none of them yet. */
export class RetryOneByOne extends Error {}

/** Roll back and apply the batch again, deleting and inserting the changed rows of this table. */
export class RetryWithRowReplacement extends Error {
  readonly table: TableName;
  /** What to show should that fail as well. */
  readonly reason: unknown;

  constructor(table: TableName, reason: unknown) {
    super('row-replacement mode needed');
    this.table = table;
    this.reason = reason;
  }
}

/** A part of the table's changes could not be applied before the rest: roll back and apply them all together. */
export class RetryUnsplit extends Error {
  readonly table: TableName;

  constructor(table: TableName) {
    super('all changes of the table needed together');
    this.table = table;
  }
}
