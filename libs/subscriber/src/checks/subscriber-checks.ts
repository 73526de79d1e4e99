import type { TableName } from '@millrace/model';
import { type CheckRow, namesAsJson, type Queryable } from '@millrace/postgres';
import { runCheck } from '../statements.ts';
import { tableOwners } from './owner-check.ts';

/** What the check of foreign keys must know. */
export interface ForeignKeyQuestion {
  /** All tables that are followed. */
  readonly tables: readonly TableName[];
  /** Those of them that are judged. */
  readonly judged: readonly TableName[];
  /** Replay switches foreign keys off. */
  readonly replica: boolean;
}

/** Checks of a subscriber's database. Each gives what is wrong. Throws the driver's errors. */
export const subscriberChecks = {
  databaseRights: (client: Queryable) => runCheck<CheckRow>(client, 'database_rights'),
  /** `replica`: what `mayBeReplica` said. */
  replicaRole: (client: Queryable, replica: boolean) => runCheck<CheckRow>(client, 'replica_role', [replica]),
  position: (client: Queryable, queue: string, subscriber: string) =>
    runCheck<CheckRow>(client, 'position', [queue, subscriber]),
  foreignMessages: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'foreign_messages', [queue]),
  followedTables: (client: Queryable, queue: string, subscriber: string) =>
    runCheck<CheckRow>(client, 'followed_tables', [queue, subscriber]),
  sequences: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'subscriber_sequences', [queue]),
  tables: (client: Queryable, judged: readonly TableName[]) =>
    runCheck<CheckRow>(client, 'subscriber_tables', [namesAsJson(judged)]),
  triggers: (client: Queryable, judged: readonly TableName[], replica: boolean) =>
    runCheck<CheckRow>(client, 'subscriber_triggers', [namesAsJson(judged), replica]),
  /** `replica`: what `mayBeReplica` said. */
  owners: (client: Queryable, judged: readonly TableName[], replica: boolean) => tableOwners(client, judged, replica),
  foreignKeys: (client: Queryable, { tables, judged, replica }: ForeignKeyQuestion) =>
    runCheck<CheckRow>(client, 'foreign_keys', [namesAsJson(tables), replica, namesAsJson(judged)]),
} as const;
