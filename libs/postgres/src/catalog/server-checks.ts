import type { Queryable } from '../client.ts';
import { sqlFileRunner } from '../schema/sql-folder.ts';

const run = sqlFileRunner(new URL('../../sql/checks/', import.meta.url));

/** What a check found of one object. */
export interface CheckRow {
  /** unknown: the session's role may not see it. */
  readonly level: 'warning' | 'error' | 'unknown';
  readonly object: string;
  /** What is wrong with the object. */
  readonly message: string;
  /** One line: a command, or SQL for that database; null: there is none in one line. */
  readonly fix: string | null;
}

/** Checks of a server, whatever Millrace has there. Each gives what is wrong. */
export const serverChecks = {
  version: (client: Queryable) => run<CheckRow>(client, 'server_version'),
  writable: (client: Queryable) => run<CheckRow>(client, 'server_writable'),
  settings: (client: Queryable) => run<CheckRow>(client, 'server_settings'),
  connections: (client: Queryable) => run<CheckRow>(client, 'connections'),
  /** PostgreSQL 15 and later. */
  collationVersions: (client: Queryable) => run<CheckRow>(client, 'collation_versions'),
} as const;
