import { type TableName, tableKey, tableLabel } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { sqlText } from '../command/sql-text.ts';

/** A plain type inside a column's type. */
export interface TypePart {
  /** Where: empty for the column itself; `[]` elements, `.1` first field, `..` bounds. */
  readonly path: string;
  /** The name of the type in the catalog. */
  readonly type: string;
  /** Its modifier as the catalog keeps it; -1: none. */
  readonly mod: number;
  /** Of an enum. */
  readonly labels: readonly string[] | null;
}

/** One column, as `describe_table.sql` gives it. */
export interface ColumnDescription {
  readonly name: string;
  /** As SQL writes it, with its modifier: `character varying(40)`. */
  readonly type: string;
  /** What its text is made of; empty for a composite without fields. */
  readonly parts: readonly TypePart[];
  /** By its collation different texts may be equal. */
  readonly foldsCase: boolean;
  /** Its collation as SQL writes it, when it is not the database's own. */
  readonly collation?: string | null;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  readonly generated: boolean;
}

/** A table of either side. */
export interface TableDescription {
  /** relkind: r table, p partitioned table, v view … */
  readonly kind: string;
  readonly partition: boolean;
  readonly columns: readonly ColumnDescription[];
  /** Columns of each unique index over all rows; the primary key first, then the replica identity. */
  readonly uniques: readonly (readonly string[])[];
  readonly primary: boolean;
  /** Unique indexes and exclusion constraints beside the primary key, and the statement that drops each. */
  readonly extras?: readonly { readonly columns: readonly (string | null)[]; readonly drop: string }[];
  /** Who we are there. */
  readonly role?: string;
  /** Table privileges that we lack. */
  readonly missing: readonly string[];
  /** We may use its schema. */
  readonly usage: boolean;
}

/** Reads a table's description; undefined when there is none of that name. */
export async function describeTable(client: Queryable, table: TableName): Promise<TableDescription | undefined> {
  return (await describeTables(client, [table])).get(tableKey(table));
}

/** Reads the descriptions of those tables that are there, by `tableKey`. */
export async function describeTables(
  client: Queryable,
  tables: readonly TableName[],
): Promise<Map<string, TableDescription>> {
  const names = JSON.stringify(tables.map(({ schema, name }) => [schema, name]));
  const found = await client.query(await sqlText('describe_table'), [names]);
  return new Map(
    (found.rows as { schema: string; name: string; described: string }[]).map((row) => [
      tableKey(row),
      JSON.parse(row.described) as TableDescription,
    ]),
  );
}

/** Names of relation kinds for people. */
export function kindLabel(kind: string): string {
  const labels: Readonly<Record<string, string>> = {
    v: 'a view',
    m: 'a materialized view',
    f: 'a foreign table',
    S: 'a sequence',
    i: 'an index',
    I: 'an index',
    c: 'a composite type',
    p: 'a partitioned table',
    r: 'a table',
  };
  return labels[kind] ?? 'not a table';
}

/** The first words of a finding: `eu: public.entry`. */
export function where(subscriber: string, table: TableName): string {
  return `${subscriber}: ${tableLabel(table)}`;
}
