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
export { copyIn, copyOut } from './copy/copy-streams.ts';
export { databaseError, sqlstateOf, statementError } from './database-error.ts';
export { quoteIdent, quoteTable } from './quote.ts';
export { createDatabase } from './schema/create-database.ts';
export { installLocks, lockSchema, uninstallLocks } from './schema/locks.ts';
export { type Migration, migrate, readSqlFolder } from './schema/migrate.ts';
export { refuseForeignSchema } from './schema/schema-owner.ts';
export { type RunSqlFile, type SqlFolder, sqlFileRunner, sqlFolder } from './schema/sql-folder.ts';
export {
  type ConnectOptions,
  connect,
  databaseLabel,
  disconnect,
  dropSession,
} from './session/connect.ts';
export { inSession } from './session/in-session.ts';
export { KeptSession, type OpenSession } from './session/kept-session.ts';
export { neutralSettings, pinnedSettings, pinSettings } from './session/pinned-settings.ts';
export { SessionLead, type SessionLease } from './session/session-lead.ts';
export { type LockRequest, requestLock, tryLead } from './session/session-lock.ts';
export { applySettings } from './session/session-settings.ts';
export { withTransaction } from './session/transaction.ts';
