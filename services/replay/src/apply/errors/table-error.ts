import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { databaseError, quoteIdent, sqlstateOf } from '@millrace/postgres';

/** The fields of a server's error that hold no row values. */
interface ServerFields {
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly where?: string;
}

/** Wishes changed between planning and the transaction: roll back, read them, plan anew. */
export class WishesChanged extends Error {}

/** Only deleting and inserting the touched rows can do it: roll back and redo the batch with these tables in careful mode. */
export class NeedsCare extends Error {
  readonly table: TableName;
  /** Why, should the careful way fail as well. */
  readonly reason: unknown;

  constructor(table: TableName, reason: unknown) {
    super('careful mode needed');
    this.table = table;
    this.reason = reason;
  }
}

/** A part of a table's changes was not to be had before the rest: roll back and redo the batch with this table all at once. */
export class NeedsWhole extends Error {
  readonly table: TableName;

  constructor(table: TableName) {
    super('needed as a whole');
    this.table = table;
  }
}

const missing = /^(42703|42P01|428C9|42804|42846|42883|42704|3F000|0A000|42P10|42809|42P17)$/;

const constraintKinds: Readonly<Record<string, string>> = {
  '23502': 'not null',
  '23503': 'foreign key',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
};

/** True when another order of the same changes may pass: a unique or exclusion constraint was hit. */
export function isHandedOver(error: unknown): boolean {
  const state = sqlstateOf(error);
  return state === '23505' || state === '23P01';
}

/** The constraint (a unique index's name) that refused. */
export function constraintOf(error: unknown): string | undefined {
  return (error as ServerFields | undefined)?.constraint;
}

/**
 * What a person reads when the server refused something about a table: table, column, constraint and what to do.
 * Never a value: the server's detail, context and, for bad values, its message are left out.
 */
export function tableError(error: unknown, table: TableName): MillraceError {
  if (error instanceof MillraceError) return error;
  const state = sqlstateOf(error);
  if (state === undefined) return databaseError(error, `applying to table ${tableLabel(table)}`);
  const fields = (error ?? {}) as ServerFields;
  const label = tableLabel(table);
  const more = { sqlstate: state, cause: error };
  if (state.startsWith('23')) return constraintError(fields, label, more);
  if (noSuchCharacter.test(state)) return characterError(label, more);
  if (state.startsWith('22')) return valueError(fields, label, more);
  if (missing.test(state)) {
    return new MillraceError(
      codes.SUBSCRIBER_SCHEMA,
      `table ${label} at the subscriber does not fit: ${messageOf(error)}`,
      {
        ...more,
        advice: 'alter it to fit the provider; replay goes on by itself',
      },
    );
  }
  if (state === '42501') {
    return new MillraceError(codes.PERMISSION, `a privilege is missing for table ${label}: ${messageOf(error)}`, {
      ...more,
      advice: 'grant it to the replay role; replay goes on by itself',
    });
  }
  if (state === 'P0001' || state === 'P0000') {
    return new MillraceError(
      codes.DATABASE_REFUSED,
      `a trigger or function at the subscriber refused a row of table ${label}`,
      more,
    );
  }
  return databaseError(error, `applying to table ${label}`);
}

function constraintError(
  fields: ServerFields,
  label: string,
  more: { sqlstate: string; cause: unknown },
): MillraceError {
  const kind = constraintKinds[more.sqlstate] ?? 'constraint';
  const what =
    fields.constraint !== undefined
      ? `${kind} constraint ${quoteIdent(fields.constraint)}`
      : fields.column !== undefined
        ? `${kind} constraint of column ${quoteIdent(fields.column)}`
        : `${kind} constraint`;
  return new MillraceError(codes.CONSTRAINT, `table ${label}: the ${what} at the subscriber refused a row`, {
    ...more,
    advice: 'remove what is in its way at the subscriber, or the constraint; replay goes on by itself',
  });
}

function valueError(fields: ServerFields, label: string, more: { sqlstate: string; cause: unknown }): MillraceError {
  // "COPY stage, line 7, column price: …": only the column's name is taken.
  const column = fields.column ?? /^COPY [^\n]*?, line \d+, column ([^\n:]+)/.exec(fields.where ?? '')?.[1];
  const where = column === undefined ? `table ${label}` : `column ${quoteIdent(column)} of table ${label}`;
  return new MillraceError(
    codes.BAD_VALUE,
    `a value does not fit ${where} at the subscriber (SQLSTATE ${more.sqlstate})`,
    {
      ...more,
      advice: 'give the column the type it has at the provider; replay goes on by itself',
    },
  );
}

/** 22P05: the database's encoding lacks the character; 22021: the bytes are none of its characters. */
const noSuchCharacter = /^(22P05|22021)$/;

function characterError(label: string, more: { sqlstate: string; cause: unknown }): MillraceError {
  return new MillraceError(
    codes.BAD_VALUE,
    `a character of a row of table ${label} is not in the encoding of the subscriber's database (SQLSTATE ${more.sqlstate})`,
    {
      ...more,
      advice:
        'change it at the provider, then take the table off this subscriber and add it again; or use a database in UTF8',
    },
  );
}

/** What a person reads when the server refused a sequence's value. */
export function sequenceError(error: unknown, sequence: TableName): MillraceError {
  const state = sqlstateOf(error);
  if (state !== '22003') return tableError(error, sequence);
  return new MillraceError(
    codes.BAD_VALUE,
    `the value of sequence ${tableLabel(sequence)} is outside its bounds at the subscriber (SQLSTATE ${state})`,
    {
      sqlstate: state,
      cause: error,
      advice: 'give it the type and bounds it has at the provider (ALTER SEQUENCE); replay goes on by itself',
    },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Rows were not as the provider's changes expect them. */
export class RowConflict extends MillraceError {
  readonly table: TableName;

  constructor(table: TableName, message: string) {
    super(codes.CONFLICT, message, {
      advice: `somebody changed the subscriber: \`millrace resync ${tableLabel(table)} --subscriber NAME --yes\` copies the table anew, or put its rows right by hand; replay goes on by itself`,
    });
    this.table = table;
  }
}

/** Says how many rows were not as expected, not which. */
export function conflict(
  table: TableName,
  what: { readonly op: string; readonly wrong: number; readonly of: number },
): RowConflict {
  const found = what.op === 'insert' ? 'found their row already there' : 'found no row';
  return new RowConflict(
    table,
    `table ${tableLabel(table)}: ${what.wrong} of ${what.of} rows to ${what.op} ${found} at the subscriber`,
  );
}

/** A session that enforces foreign keys must not delete a row to insert it again: that would set off their actions. */
export function needsReplica(table: TableName): MillraceError {
  const text = `table ${tableLabel(table)}: a GENERATED ALWAYS identity changes its value, which only deleting and inserting the row can do, and foreign keys are enforced`;
  return new MillraceError(codes.SUBSCRIBER_SCHEMA, text, {
    advice:
      'make the column GENERATED BY DEFAULT at the subscriber, or let the replay role set session_replication_role',
  });
}
