export { type ConnectOptions, connect, databaseLabel, disconnect, type PgClient, type Queryable } from './connect.ts';
export { copyIn, copyOut } from './copy-streams.ts';
export { databaseError, sqlstateOf } from './database-error.ts';
export { inSession, tryLead } from './lead.ts';
export { type Migration, migrate, readSqlFolder } from './migrate.ts';
export { neutralSettings, pinnedSettings, pinSettings } from './pinned-settings.ts';
export { quoteIdent, quoteTable } from './quote.ts';
export { applySettings } from './session-settings.ts';
export { withTransaction } from './transaction.ts';
