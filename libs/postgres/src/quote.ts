import pg from 'pg';

/** A name as an identifier in SQL text, always in double quotes (the driver's own quoting, the same rule as libpq). */
export function quoteIdent(name: string): string {
  return pg.escapeIdentifier(name);
}

/** schema.table, both quoted. */
export function quoteTable(table: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
}
