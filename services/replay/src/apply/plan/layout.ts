import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';
import type { TargetColumn, TargetIndex, TargetTable } from '@millrace/subscriber';

/** How the fields of records of one shape map to the columns of a table at the subscriber. */
export interface Layout {
  readonly table: TargetTable;
  /** For each field of a record: the column it goes to; null: ignored (generated at the provider). */
  readonly fields: readonly (TargetColumn | null)[];
  /** The columns that are written. */
  readonly columns: readonly TargetColumn[];
  /** Columns the provider does not send: kept by updates, at their default in inserts. */
  readonly extras: readonly TargetColumn[];
  /** Key columns with the equality of the unique index that finds the row; empty when the table has no key. */
  readonly key: readonly { readonly column: TargetColumn; readonly equals: string }[];
  readonly keyIndex: TargetIndex | undefined;
  /** Keys are equal exactly when their texts are. */
  readonly exactKey: boolean;
}

/**
 * Maps the columns of a section to those of the table. Throws SUBSCRIBER_SCHEMA naming table and column when something is
 * missing: after the repair the same call succeeds.
 */
export function layoutOf(table: TargetTable, columns: readonly (string | null)[], key: readonly string[]): Layout {
  const label = tableLabel(table);
  if (table.rowSecurity) {
    throw lacks(
      `row security at the subscriber would hide rows of table ${label} from the replay's role`,
      'give that role BYPASSRLS or make it the owner',
    );
  }
  const byName = new Map(table.columns.map((column) => [column.name, column]));
  const find = (name: string) => {
    const column = byName.get(name);
    if (column !== undefined) return column;
    throw lacks(
      `table ${label} at the subscriber lacks column ${quoteIdent(name)}`,
      'add it, or if it was renamed give it this name (ALTER TABLE ... ADD COLUMN, RENAME COLUMN); replay then continues automatically',
    );
  };
  const fields = columns.map((name) => {
    const column = name === null ? null : find(name);
    // Its own expression would replace the provider's value, and whether the two agree would not be known.
    if (column?.generated) throw generatedHere(table, column);
    return column;
  });
  const written = fields.filter((column) => column !== null);
  const keyIndex = key.length === 0 ? undefined : findIndex(table, key.map(find));
  return {
    table,
    fields,
    columns: written,
    extras: table.columns.filter((column) => !column.generated && !written.includes(column)),
    key:
      keyIndex === undefined
        ? []
        : keyIndex.columns.map((name, at) => ({ column: find(name), equals: keyIndex.equals[at] ?? '=' })),
    keyIndex,
    exactKey: keyIndex === undefined || keyIndex.columns.every((name) => find(name).exact),
  };
}

/** The columns of a row change in the stage and in the row type: those that are written, then key columns that are not. */
export function carriedColumns({ columns, key }: Layout): TargetColumn[] {
  return [...new Set([...columns, ...key.map(({ column }) => column)])];
}

function findIndex(table: TargetTable, key: readonly TargetColumn[]): TargetIndex {
  const names = key.map((column) => column.name);
  const generated = key.find((column) => column.generated);
  if (generated !== undefined) throw generatedHere(table, generated);
  const index = table.uniqueIndexes.find(
    (candidate) => candidate.columns.length === names.length && candidate.columns.every((name) => names.includes(name)),
  );
  if (index !== undefined) return index;
  const list = names.map(quoteIdent).join(', ');
  throw lacks(
    `table ${tableLabel(table)} at the subscriber has no primary key or unique index on (${list})`,
    'create it; replay then continues automatically',
  );
}

function generatedHere(table: TargetTable, column: TargetColumn): MillraceError {
  return lacks(
    `column ${quoteIdent(column.name)} of table ${tableLabel(table)} is generated at the subscriber and not at the provider`,
    'make it a plain column (ALTER COLUMN ... DROP EXPRESSION); replay then continues automatically',
  );
}

/** The table itself is missing. */
export function lacksTable(table: TableName): MillraceError {
  return lacks(
    `table ${tableLabel(table)} is missing at the subscriber`,
    'create it, or if it was renamed give it this name again, or remove it from this subscriber; replay then continues automatically',
  );
}

function lacks(message: string, advice: string): MillraceError {
  return new MillraceError(codes.SUBSCRIBER_SCHEMA, message, { advice });
}
