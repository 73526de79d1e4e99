// What a person reads when the server refused something about a table or sequence.
import { codes, functionOf, MillraceError, serverNames, serverRefusal } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { databaseError, quoteIdent, sqlstateOf } from '@millrace/postgres';

/** SQLSTATEs of a table that lacks something or has it of another type. */
const misfit = /^(42703|42P01|428C9|42804|42846|42883|42704|3F000|0A000|42P10|42809|42P17)$/;
/** 22P05: the database's encoding lacks the character; 22021: the bytes are none of its characters. */
const noSuchCharacter = /^(22P05|22021)$/;
const outOfRange = '22003';
const constraintKinds: Readonly<Record<string, string>> = {
  '23502': 'not null',
  '23503': 'foreign key',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
};

/** Names table, column, constraint and what to do. Never a value: nothing of the server's sentences is repeated. */
export function tableError(error: unknown, table: TableName): MillraceError {
  if (error instanceof MillraceError) return error;
  const label = tableLabel(table);
  const state = sqlstateOf(error);
  if (state === undefined) return databaseError(error, `applying to table ${label}`);
  const refusal: Refusal = { label, more: { sqlstate: state, cause: error } };
  if (/^(23|P0)/.test(state) && functionOf(error) !== undefined) return triggerError(refusal);
  if (state.startsWith('23')) return constraintError(refusal);
  if (noSuchCharacter.test(state)) return characterError(refusal);
  if (state.startsWith('22')) return valueError(refusal);
  if (misfit.test(state)) return misfitError(refusal);
  if (state === '42501') return privilegeError(refusal);
  if (state === 'P0001' || state === 'P0000') return triggerError(refusal);
  return databaseError(error, `applying to table ${label}`);
}

/** The same for the value of a sequence. */
export function sequenceError(error: unknown, sequence: TableName): MillraceError {
  const state = sqlstateOf(error);
  if (state !== outOfRange) return tableError(error, sequence);
  return new MillraceError(
    codes.BAD_VALUE,
    `the value of sequence ${tableLabel(sequence)} is outside its bounds at the subscriber (SQLSTATE ${state})`,
    {
      sqlstate: state,
      cause: error,
      advice:
        'give it the type and bounds it has at the provider (ALTER SEQUENCE); replay then continues automatically',
    },
  );
}

/** The same for COMMIT: a deferred constraint is checked there, and the server's error names its table. */
export function commitError(error: unknown): unknown {
  const { schema, table } = serverNames(error);
  return schema !== undefined && table !== undefined ? tableError(error, { schema, name: table }) : error;
}

interface Refusal {
  readonly label: string;
  readonly more: { readonly sqlstate: string; readonly cause: unknown };
}

function constraintError({ label, more }: Refusal): MillraceError {
  const fields = serverNames(more.cause);
  const kind = constraintKinds[more.sqlstate];
  const constraint = kind === undefined ? 'constraint' : `${kind} constraint`;
  const which =
    fields.constraint !== undefined
      ? `${constraint} ${quoteIdent(fields.constraint)}`
      : fields.column !== undefined
        ? `${constraint} of column ${quoteIdent(fields.column)}`
        : constraint;
  return new MillraceError(codes.CONSTRAINT, `table ${label}: the ${which} at the subscriber refused a row`, {
    ...more,
    advice: 'remove what is in its way at the subscriber, or the constraint; replay then continues automatically',
  });
}

function characterError({ label, more }: Refusal): MillraceError {
  return new MillraceError(
    codes.BAD_VALUE,
    `a character of a row of table ${label} is not in the encoding of the subscriber's database (SQLSTATE ${more.sqlstate})`,
    {
      ...more,
      advice:
        'change it at the provider, then remove the table from this subscriber and add it again; or use a database in UTF8',
    },
  );
}

function valueError({ label, more }: Refusal): MillraceError {
  const context = (more.cause as { readonly where?: string }).where ?? '';
  // "COPY stage, line 7, column price: …": only the column's name is taken.
  const column = serverNames(more.cause).column ?? /^COPY [^\n]*?, line \d+, column ([^\n:]+)/.exec(context)?.[1];
  const where = column === undefined ? `table ${label}` : `column ${quoteIdent(column)} of table ${label}`;
  return new MillraceError(
    codes.BAD_VALUE,
    `a value does not fit ${where} at the subscriber (SQLSTATE ${more.sqlstate})`,
    { ...more, advice: 'give the column the type it has at the provider; replay then continues automatically' },
  );
}

function misfitError({ label, more }: Refusal): MillraceError {
  return new MillraceError(
    codes.SUBSCRIBER_SCHEMA,
    `table ${label} at the subscriber does not fit: ${serverRefusal(more.cause)}`,
    { ...more, advice: 'alter it to fit the provider; replay then continues automatically' },
  );
}

function privilegeError({ label, more }: Refusal): MillraceError {
  return new MillraceError(
    codes.PERMISSION,
    `a privilege is missing for table ${label}: ${serverRefusal(more.cause)}`,
    {
      ...more,
      advice: 'grant it to the replay role; replay then continues automatically',
    },
  );
}

function triggerError({ label, more }: Refusal): MillraceError {
  const text = `a trigger or function at the subscriber refused a row of table ${label}: ${serverRefusal(more.cause)}`;
  return new MillraceError(more.sqlstate.startsWith('23') ? codes.CONSTRAINT : codes.DATABASE_REFUSED, text, more);
}
