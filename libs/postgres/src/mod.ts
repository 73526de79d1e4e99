export {
  type ConnectOptions,
  connect,
  databaseLabel,
  disconnect,
  dropSession,
  type PgClient,
  type Queryable,
} from './connect.ts';
export { copyIn, copyOut } from './copy-streams.ts';
export { databaseError, sqlstateOf } from './database-error.ts';
export { inSession } from './in-session.ts';
export { KeptSession, type OpenSession } from './kept-session.ts';
export { type Migration, migrate, readSqlFolder } from './migrate.ts';
export { neutralSettings, pinnedSettings, pinSettings } from './pinned-settings.ts';
export { quoteIdent, quoteTable } from './quote.ts';
export { refuseForeignSchema } from './schema-owner.ts';
export { SessionLead, type SessionLease, tryLead } from './session-lead.ts';
export { applySettings } from './session-settings.ts';
export { type SqlFolder, sqlFolder } from './sql-folder.ts';
export { withTransaction } from './transaction.ts';
