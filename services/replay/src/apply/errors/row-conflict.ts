import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';

/** Rows were not as the provider's changes expect them. */
export class RowConflict extends MillraceError {
  readonly table: TableName;

  constructor(table: TableName, message: string) {
    super(codes.CONFLICT, message, {
      advice: `the subscriber's rows were modified outside replication: \`millrace resync ${tableLabel(table)} --subscriber NAME --yes\` copies the table again, or correct its rows by hand; replay then continues automatically`,
    });
    this.table = table;
  }
}

/** The rows that a statement found, against those it expected. */
export interface UnexpectedRows {
  readonly op: 'insert' | 'update' | 'delete' | 'update or delete';
  readonly wrong: number;
  readonly of: number;
}

/** Says how many rows were not as expected, not which. */
export function rowConflict(table: TableName, { op, wrong, of }: UnexpectedRows): RowConflict {
  const found = op === 'insert' ? 'found their row already there' : 'found no row';
  return new RowConflict(
    table,
    `table ${tableLabel(table)}: ${wrong} of ${of} rows to ${op} ${found} at the subscriber`,
  );
}

/** Throws the conflict of a statement that found another number of rows than expected. */
export function expectRows(table: TableName, op: UnexpectedRows['op'], { got, of }: { got: number; of: number }): void {
  if (got !== of) throw rowConflict(table, { op, wrong: Math.abs(of - got), of });
}
