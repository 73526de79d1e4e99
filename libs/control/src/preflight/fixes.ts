// The one-line fixes that an operator is shown for a table at a subscriber. They are only shown, never run by us.
import { type TableName, tableLabel } from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';

const alter = (table: TableName, what: string): string => `ALTER TABLE ${tableLabel(table)} ${what}`;

/** What to type so that a table at a subscriber takes the provider's rows. Types and collations are as the server writes them. */
export const fixes = {
  addColumn: (table: TableName, column: string, type: string) =>
    alter(table, `ADD COLUMN ${quoteIdent(column)} ${type}`),
  retype: (table: TableName, column: string, type: string) =>
    alter(table, `ALTER ${quoteIdent(column)} TYPE ${type} USING ${quoteIdent(column)}::${type}`),
  recollate: (table: TableName, column: string, type: string) =>
    alter(table, `ALTER ${quoteIdent(column)} TYPE ${type}`),
  dropColumn: (table: TableName, column: string) => alter(table, `DROP COLUMN ${quoteIdent(column)}`),
  makePlain: (table: TableName, column: string) => alter(table, `ALTER ${quoteIdent(column)} DROP EXPRESSION`),
  dropNotNull: (table: TableName, column: string) => alter(table, `ALTER ${quoteIdent(column)} DROP NOT NULL`),
  addKey: (table: TableName, key: readonly string[], kind: 'PRIMARY KEY' | 'UNIQUE') =>
    alter(table, `ADD ${kind} (${key.map(quoteIdent).join(', ')})`),
  grant: (table: TableName, rights: readonly string[], role: string) =>
    `GRANT ${rights.join(', ')} ON ${tableLabel(table)} TO ${quoteIdent(role)}`,
  grantUsage: (schema: string, role: string) => `GRANT USAGE ON SCHEMA ${quoteIdent(schema)} TO ${quoteIdent(role)}`,
  addLabel: (type: string, label: string) => `ALTER TYPE ${type} ADD VALUE '${label.replaceAll("'", "''")}'`,
  widenSequence: (label: string, min: string, max: string) =>
    `ALTER SEQUENCE ${label} AS bigint MINVALUE ${min} MAXVALUE ${max}`,
  utf8Database: 'CREATE DATABASE utf8_copy ENCODING UTF8 TEMPLATE template0',
} as const;
