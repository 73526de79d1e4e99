import type { Queryable } from '../client.ts';
import { sqlFileRunner } from '../schema/sql-folder.ts';
import { type CatalogName, namesAsJson } from './catalog-name.ts';

const run = sqlFileRunner(new URL('../../sql/', import.meta.url));

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

/** A table as `describe_table.sql` gives it. */
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
  /** The role of the session. */
  readonly role?: string;
  /** Table privileges that this role lacks. */
  readonly missing: readonly string[];
  /** The role may use the table's schema. */
  readonly usage: boolean;
}

/** A table that is there, with its description. */
export interface DescribedTable extends CatalogName {
  readonly description: TableDescription;
}

/** Reads the descriptions of those tables that are there. */
export async function describeTables(client: Queryable, tables: readonly CatalogName[]): Promise<DescribedTable[]> {
  type Row = CatalogName & { readonly described: string };
  const rows = await run<Row>(client, 'describe_table', [namesAsJson(tables)]);
  return rows.map(({ schema, name, described }) => ({
    schema,
    name,
    description: JSON.parse(described) as TableDescription,
  }));
}

/** One statement of those that make a table. */
export interface DefinitionStep {
  /** 1 schema, 2 sequences, 3 the table, 4 their ownership, 5 constraints, 6 unique indexes, 7 foreign keys. */
  readonly step: number;
  readonly statement: string;
}

/** The statements that make a table like this one on a server of that version, in order. */
export function tableDefinition(
  client: Queryable,
  { schema, name }: CatalogName,
  serverVersion: string,
): Promise<DefinitionStep[]> {
  return run(client, 'table_definition', [schema, name, serverVersion]);
}
