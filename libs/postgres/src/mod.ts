export { type CatalogName, namesAsJson } from './catalog/catalog-name.ts';
export {
  type ColumnDescription,
  type DefinitionStep,
  type DescribedTable,
  describeTables,
  type TableDescription,
  type TypePart,
  tableDefinition,
} from './catalog/describe-table.ts';
export { describeSequence, type SequenceDescription, type SequenceRange, sequenceRanges } from './catalog/sequences.ts';
export { type CheckRow, serverChecks } from './catalog/server-checks.ts';
export { readServerFacts, type ServerFacts } from './catalog/server-facts.ts';
export { type ReadableShape, readTableShape, type ShapeColumn, type TableShape } from './catalog/table-shape.ts';
export type { PgClient, Queryable } from './client.ts';
export {
  type ConnectOptions,
  connect,
  databaseLabel,
  disconnect,
  dropSession,
} from './connect.ts';
export { copyIn, copyOut } from './copy-streams.ts';
export { createDatabase } from './create-database.ts';
export { databaseError, sqlstateOf } from './database-error.ts';
export { inSession } from './in-session.ts';
export { KeptSession, type OpenSession } from './kept-session.ts';
export { type Migration, migrate, readSqlFolder } from './migrate.ts';
export { neutralSettings, pinnedSettings, pinSettings } from './pinned-settings.ts';
export { quoteIdent, quoteTable } from './quote.ts';
export { refuseForeignSchema } from './schema-owner.ts';
export { SessionLead, type SessionLease, tryLead } from './session-lead.ts';
export { applySettings } from './session-settings.ts';
export { type RunSqlFile, type SqlFolder, sqlFileRunner, sqlFolder } from './sql-folder.ts';
export { withTransaction } from './transaction.ts';
