// Checks that the columns of a section are those that the table was synchronised with, and that their types lose nothing here.
import { codes, MillraceError } from '@millrace/errors';
import {
  type ColumnSource,
  parseSource,
  type SourceColumn,
  type TableName,
  tableLabel,
  typeFit,
} from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';
import type { SourceColumnRecord, TargetColumn, TargetTable } from '@millrace/subscriber';

/** What is to be stored before row changes are applied. */
export interface ColumnMatch {
  readonly records: readonly SourceColumnRecord[];
  /** What was known is of another table, here or there: one was created again, or restored. */
  readonly isOtherTable: boolean;
}

/**
 * Finds for each column the subscriber's column of that name, and compares with what is known. Throws SUBSCRIBER_SCHEMA with
 * what to do when another column of the provider filled it so far, or when its values could change here unnoticed; after the
 * repair the same call succeeds. Columns that the subscriber lacks are not this check's business: `layoutOf` refuses them.
 */
export function matchColumns(
  target: TargetTable,
  reported: { readonly columns: readonly (string | null)[]; readonly source: ColumnSource },
  known: readonly SourceColumnRecord[],
): ColumnMatch {
  const { relation } = reported.source;
  const isOtherTable = known.some((record) => record.relation !== relation || record.ourRelation !== target.oid);
  const records: SourceColumnRecord[] = [];
  for (const [at, name] of reported.columns.entries()) {
    const ours = target.columns.find((column) => column.name === name);
    const theirs = reported.source.columns[at];
    if (name === null || ours === undefined || theirs === undefined) continue;
    const match = { target, name, relation, ours, theirs };
    const record = recordOf(match, isOtherTable ? [] : known);
    if (record !== undefined) records.push(record);
  }
  return { records, isOtherTable };
}

/** Columns as a copy reports them. */
export interface ReportedColumns {
  readonly columns: readonly string[];
  /** Their numbers and types at the provider; undefined: not reported. */
  readonly source?: string | undefined;
}

/** What is known of the columns when a copy is in; what was known before it does not count. Throws like `matchColumns`. */
export function copiedColumns(
  target: TargetTable,
  { columns, source }: ReportedColumns,
): readonly SourceColumnRecord[] {
  const parsed = parseSource(source ?? '', columns.length);
  return parsed === undefined ? [] : matchColumns(target, { columns, source: parsed }, []).records;
}

interface Match {
  readonly target: TargetTable;
  readonly name: string;
  readonly relation: string;
  readonly ours: TargetColumn;
  readonly theirs: SourceColumn;
}

/** Undefined when nothing is new. */
function recordOf(match: Match, known: readonly SourceColumnRecord[]): SourceColumnRecord | undefined {
  const { target, name, relation, ours, theirs } = match;
  const before = known.find((record) => record.number === theirs.number);
  if (before === undefined && known.some((record) => record.ourNumber === ours.number)) throw replaced(match);
  if (before !== undefined && before.ourNumber !== ours.number) throw moved(match, before);
  const type = theirs.type ?? before?.type ?? null;
  const isSame = before !== undefined && before.type === type && before.ourType === ours.declared;
  if (isSame && before.name === name) return undefined;
  if (!isSame) requireFit(match, before);
  const isAltered = before !== undefined && before.type !== null && before.type !== type;
  return {
    number: theirs.number,
    relation,
    name,
    type,
    ourRelation: target.oid,
    ourNumber: ours.number,
    ourType: ours.declared,
    formerType: before?.formerType ?? (isAltered ? before.type : null),
  };
}

/** A type whose fit is unknown is accepted the first time: `add` has compared the definitions. */
function requireFit({ target, ours, theirs }: Match, before: SourceColumnRecord | undefined): void {
  if (theirs.base === null) return;
  const fit = typeFit(theirs.base, ours.base);
  const isFirst = before === undefined || before.type === null;
  if (fit === 'fits' || (fit === 'unknown' && isFirst)) return;
  const column = quoteIdent(ours.name);
  const label = tableLabel(target);
  const doubt =
    fit === 'loses' ? 'values could be changed there unnoticed' : 'whether every value survives that is not known';
  throw differs(
    `column ${column} of table ${label} is ${theirs.type} at the provider and ${ours.declared} at the subscriber: ${doubt}`,
    `run there: ALTER TABLE ${label} ALTER COLUMN ${column} TYPE ${theirs.type} (with USING as at the provider, if it had one)`,
  );
}

/** The column's number is new, and the subscriber's column belongs to another number. */
function replaced({ target, ours, theirs }: Match): MillraceError {
  const column = quoteIdent(ours.name);
  const label = tableLabel(target);
  return differs(
    `column ${column} of table ${label} is another one at the provider than the one whose values the subscriber has: it was dropped and added again, or another one took its name`,
    `do the same at the subscriber (ALTER TABLE ${label} DROP COLUMN ${column}, ADD COLUMN ${column} ${theirs.type ?? '...'}, or RENAME COLUMN first to keep the old values), or ${copyAgain(target)}`,
  );
}

/** The column's number is known, and filled another column of the subscriber. */
function moved({ target, ours }: Match, before: SourceColumnRecord): MillraceError {
  const column = quoteIdent(ours.name);
  const label = tableLabel(target);
  const was = target.columns.find(({ number }) => number === before.ourNumber);
  if (was === undefined) {
    return differs(
      `column ${column} of table ${label} was dropped and created again at the subscriber, and lacks the values of earlier rows`,
      copyAgain(target),
    );
  }
  return differs(
    `column ${column} of table ${label} at the provider is the one whose values the subscriber has in column ${quoteIdent(was.name)}: columns were renamed there`,
    `rename them in the same way at the subscriber (ALTER TABLE ${label} RENAME COLUMN ...), or ${copyAgain(target)}`,
  );
}

function copyAgain(table: TableName): string {
  return `copy the table again (millrace resync ${tableLabel(table)} --yes)`;
}

function differs(message: string, advice: string): MillraceError {
  return new MillraceError(codes.SUBSCRIBER_SCHEMA, message, {
    advice: `${advice}; replay then continues automatically`,
  });
}
