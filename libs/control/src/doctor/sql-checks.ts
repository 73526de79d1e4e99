// The checks that one database can answer alone; the libraries that know its schemas have the statements (`sql/checks`). What
// needs both sides: preflight/table-mismatches.ts for tables and columns, compare-databases.ts for the rest.
import type { TableName } from '@millrace/model';
import { type CheckRow, type PgClient, serverChecks } from '@millrace/postgres';
import { providerChecks } from '@millrace/provider';
import { subscriberChecks } from '@millrace/subscriber';

/** What a check may need to know. */
export interface CheckValues {
  readonly queue: string;
  readonly subscriber: string;
  /** All tables that are followed there, or in the set. */
  readonly tables: readonly TableName[];
  /** Those of them that are to be judged. */
  readonly judged: readonly TableName[];
  /** Our role may switch triggers and foreign keys off. */
  readonly replica: boolean;
  readonly longSeconds: number;
  readonly largeQueue: number;
}

/** What counts as long and large. */
export type CheckBounds = Pick<CheckValues, 'longSeconds' | 'largeQueue'>;

export interface SqlCheck {
  readonly check: string;
  readonly at: 'provider' | 'subscriber' | 'both';
  readonly rows: (client: PgClient, values: CheckValues) => Promise<readonly CheckRow[]>;
  /** It reads our schema. */
  readonly installed?: true;
  /** What it finds may come while all runs: status and admin repeat it. */
  readonly drift?: true;
  /** About single tables: `add` runs it for those to be added. */
  readonly tables?: true;
  /** Not on older servers. */
  readonly since?: number;
}

const ofServers: readonly SqlCheck[] = [
  { check: 'server-version', at: 'both', rows: serverChecks.version },
  { check: 'server-writable', at: 'both', rows: serverChecks.writable, drift: true },
  { check: 'server-settings', at: 'both', rows: serverChecks.settings },
  { check: 'connections', at: 'both', rows: serverChecks.connections, drift: true },
  { check: 'collation-versions', at: 'both', rows: serverChecks.collationVersions, since: 150_000 },
];

const ofProviders: readonly SqlCheck[] = [
  {
    check: 'long-transactions',
    at: 'provider',
    rows: (client, { longSeconds }) => providerChecks.longTransactions(client, longSeconds),
    drift: true,
  },
  { check: 'roles', at: 'provider', rows: providerChecks.roles, installed: true },
  {
    check: 'set-tables',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.setTables(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'table-problems',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.tableProblems(client, queue),
    installed: true,
  },
  {
    check: 'capture-triggers',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.captureTriggers(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'set-sequences',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.setSequences(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'own-sequences',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.ownSequences(client, queue),
    installed: true,
  },
  {
    check: 'event-sequence',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.eventSequence(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'subscriber-records',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.subscriberRecords(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'queue-settings',
    at: 'provider',
    rows: (client, { queue }) => providerChecks.queueSettings(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'queue-size',
    at: 'provider',
    rows: (client, { queue, largeQueue }) => providerChecks.queueSize(client, queue, largeQueue),
    installed: true,
    drift: true,
  },
  {
    check: 'replicable',
    at: 'provider',
    rows: (client, { tables }) => providerChecks.replicable(client, tables),
    installed: true,
  },
];

const ofSubscribers: readonly SqlCheck[] = [
  { check: 'database-rights', at: 'subscriber', rows: subscriberChecks.databaseRights, tables: true },
  {
    check: 'replica-role',
    at: 'subscriber',
    rows: (client, { replica }) => subscriberChecks.replicaRole(client, replica),
    tables: true,
  },
  {
    check: 'position',
    at: 'subscriber',
    rows: (client, { queue, subscriber }) => subscriberChecks.position(client, queue, subscriber),
    installed: true,
  },
  {
    check: 'followed-tables',
    at: 'subscriber',
    rows: (client, { queue, subscriber }) => subscriberChecks.followedTables(client, queue, subscriber),
    installed: true,
    drift: true,
  },
  {
    check: 'foreign-messages',
    at: 'subscriber',
    rows: (client, { queue }) => subscriberChecks.foreignMessages(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'subscriber-sequences',
    at: 'subscriber',
    rows: (client, { queue }) => subscriberChecks.sequences(client, queue),
    installed: true,
    drift: true,
  },
  {
    check: 'subscriber-tables',
    at: 'subscriber',
    rows: (client, { judged }) => subscriberChecks.tables(client, judged),
    drift: true,
    tables: true,
  },
  {
    check: 'subscriber-triggers',
    at: 'subscriber',
    rows: (client, { judged, replica }) => subscriberChecks.triggers(client, judged, replica),
    drift: true,
    tables: true,
  },
  {
    check: 'table-owners',
    at: 'subscriber',
    rows: (client, { judged, replica }) => subscriberChecks.owners(client, judged, replica),
    tables: true,
  },
  { check: 'foreign-keys', at: 'subscriber', rows: subscriberChecks.foreignKeys, tables: true },
];

export const sqlChecks: readonly SqlCheck[] = [...ofServers, ...ofProviders, ...ofSubscribers];
