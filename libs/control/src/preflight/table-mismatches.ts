// How a table at a subscriber differs from the provider's, from descriptions of both. The doctor reports it, `add` and `resync`
// refuse for its errors: a check of a column goes here.
import type { TableName } from '@millrace/model';
import type { ColumnDescription, TableDescription } from '@millrace/postgres';
import { fixes } from './fixes.ts';
import { kindLabel } from './table-description.ts';
import { keyMismatch, typeMismatch } from './type-mismatches.ts';

/** Why a table at a subscriber does not fit the provider's, or may not one day. */
export interface Mismatch {
  /** What was compared. */
  readonly check: 'columns' | 'column-types' | 'key' | 'table-rights' | 'table-kind' | 'unique-indexes';
  /** error: its rows cannot be replicated. warning: some may not. */
  readonly level: 'error' | 'warning';
  /** A piece of a sentence that follows the table's name. */
  readonly text: string;
  /** A statement for the subscriber's database; null where there is none in one line. */
  readonly fix: string | null;
}

/** The same table at both ends. */
export interface TablePair {
  readonly table: TableName;
  readonly provider: TableDescription;
  readonly subscriber: TableDescription;
  /** The columns that identify a row at the provider. */
  readonly key: readonly string[];
}

/** What prevents the subscriber's table from taking the provider's rows, errors first; empty when nothing does. */
export function mismatchesOf(pair: TablePair): Mismatch[] {
  const { provider, subscriber } = pair;
  if (subscriber.kind !== 'r' && subscriber.kind !== 'p') {
    return [error('table-kind', `is ${kindLabel(subscriber.kind)} there`, null)];
  }
  const there = new Map(subscriber.columns.map((column) => [column.name, column]));
  const here = new Set(provider.columns.map((column) => column.name));
  return [
    ...provider.columns.flatMap((column) => columnMismatches(pair, column, there.get(column.name))),
    ...subscriber.columns.filter((column) => !here.has(column.name)).flatMap((column) => extraMismatches(pair, column)),
    ...keyMismatches(pair),
    ...rightMismatches(pair),
    ...provider.columns.flatMap((column) => nullMismatches(pair, column, there.get(column.name))),
    ...indexMismatches(pair),
  ];
}

/** Those of them for which a table cannot be followed. */
export function blocking(mismatches: readonly Mismatch[]): Mismatch[] {
  return mismatches.filter(({ level }) => level === 'error');
}

function error(check: Mismatch['check'], text: string, fix: string | null): Mismatch {
  return { check, level: 'error', text, fix };
}

function warning(check: Mismatch['check'], text: string, fix: string | null): Mismatch {
  return { check, level: 'warning', text, fix };
}

function columnMismatches(
  { table, key }: TablePair,
  provider: ColumnDescription,
  subscriber: ColumnDescription | undefined,
): Mismatch[] {
  const name = `column ${JSON.stringify(provider.name)}`;
  if (provider.generated) {
    if (subscriber === undefined || subscriber.generated) return [];
    const text = `${name} is generated at the provider and not there, so nothing would fill it; generate or drop it there`;
    return [error('columns', text, fixes.dropColumn(table, provider.name))];
  }
  if (subscriber === undefined) {
    return [error('columns', `has no ${name}`, fixes.addColumn(table, provider.name, provider.type))];
  }
  if (subscriber.generated) {
    const text = `${name} is generated there and not at the provider; make it a plain column`;
    return [error('columns', text, fixes.makePlain(table, provider.name))];
  }
  const unfit = typeMismatch(provider, subscriber);
  if (unfit !== undefined) return [error('column-types', `${name} ${unfit}`, typeFix(table, provider, subscriber))];
  const apart = key.includes(provider.name) ? keyMismatch(provider, subscriber) : undefined;
  return apart === undefined ? [] : [error('column-types', `${name} ${apart}`, keyFix(table, provider, subscriber))];
}

/** An enum that lacks a label gets it; any other column the provider's type. */
function typeFix(table: TableName, provider: ColumnDescription, subscriber: ColumnDescription): string {
  const labels = subscriber.parts.find(({ labels: of }) => of !== null)?.labels;
  const lacking = provider.parts
    .flatMap((part) => part.labels ?? [])
    .find((label) => labels?.includes(label) === false);
  if (lacking !== undefined && provider.type === subscriber.type) {
    return fixes.addLabel(subscriber.type.replace(/(\[\])+$/, ''), lacking);
  }
  return fixes.retype(table, provider.name, provider.type);
}

function keyFix(table: TableName, provider: ColumnDescription, subscriber: ColumnDescription): string | null {
  if (provider.type !== subscriber.type) return fixes.retype(table, provider.name, provider.type);
  const collation = provider.collation ?? 'pg_catalog."C"';
  return fixes.recollate(table, provider.name, `${provider.type} COLLATE ${collation}`);
}

function extraMismatches({ table }: TablePair, column: ColumnDescription): Mismatch[] {
  if (!column.notNull || column.hasDefault || column.generated) return [];
  const text = `column ${JSON.stringify(column.name)} is not at the provider, NOT NULL and without a default`;
  return [error('columns', text, fixes.dropNotNull(table, column.name))];
}

function keyMismatches({ table, subscriber, key }: TablePair): Mismatch[] {
  // The provider's table lost it: that is reported of the provider.
  if (key.length === 0) return [];
  const wanted = new Set(key);
  const fits = subscriber.uniques.some((names) => names.length === wanted.size && names.every((n) => wanted.has(n)));
  if (fits) return [];
  const kind = subscriber.primary ? 'UNIQUE' : 'PRIMARY KEY';
  return [error('key', `has no unique index on the key (${key.join(', ')})`, fixes.addKey(table, key, kind))];
}

function rightMismatches({ table, subscriber }: TablePair): Mismatch[] {
  const { usage, missing } = subscriber;
  const role = subscriber.role ?? 'CURRENT_USER';
  return [
    ...(usage ? [] : [error('table-rights', 'we may not use its schema', fixes.grantUsage(table.schema, role))]),
    ...(missing.length === 0
      ? []
      : [error('table-rights', `we lack ${missing.join(', ')} on it`, fixes.grant(table, missing, role))]),
  ];
}

function nullMismatches(
  { table }: TablePair,
  provider: ColumnDescription,
  there: ColumnDescription | undefined,
): Mismatch[] {
  if (there === undefined || provider.notNull || !there.notNull || provider.generated) return [];
  const text = `column ${JSON.stringify(provider.name)} is NOT NULL there and not at the provider: a NULL would stop replication`;
  return [warning('columns', text, fixes.dropNotNull(table, provider.name))];
}

/** A unique index or exclusion constraint that the provider does not have may refuse rows that it took. */
function indexMismatches({ provider, subscriber, key }: TablePair): Mismatch[] {
  const implied: (readonly (string | null)[])[] = [
    ...provider.uniques,
    ...(provider.extras ?? []).map((e) => e.columns),
    key,
  ];
  const isImplied = (columns: readonly (string | null)[]) =>
    implied.some((names) => names.every((name) => columns.includes(name)));
  return (subscriber.extras ?? [])
    .filter(({ columns }) => !isImplied(columns))
    .map(({ columns, drop }) => {
      const what = columns.map((name) => name ?? 'an expression').join(', ');
      return warning(
        'unique-indexes',
        `is unique in (${what}) there and not at the provider: a row may be refused`,
        drop,
      );
    });
}
