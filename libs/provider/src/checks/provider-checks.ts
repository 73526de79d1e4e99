import type { TableName } from '@millrace/model';
import { type CheckRow, namesAsJson, type Queryable } from '@millrace/postgres';
import { runCheck } from '../statements.ts';

/** Of a table of the set, or of a partition of one. */
export interface TriggerCheckRow extends CheckRow {
  readonly schema_name: string;
  readonly table_name: string;
}

/** Checks of a provider: its schemas, a set and its queue. Each gives what is wrong. Throws the driver's errors. */
export const providerChecks = {
  /** Transactions open for longer than `seconds`. */
  longTransactions: (client: Queryable, seconds: number) => runCheck<CheckRow>(client, 'long_transactions', [seconds]),
  roles: (client: Queryable) => runCheck<CheckRow>(client, 'roles'),
  setTables: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'set_tables', [queue]),
  tableProblems: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'table_problems', [queue]),
  captureTriggers: (client: Queryable, queue: string) => runCheck<TriggerCheckRow>(client, 'capture_triggers', [queue]),
  setSequences: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'set_sequences', [queue]),
  /** Sequences of the set's own columns that are not in the set. */
  ownSequences: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'own_sequences', [queue]),
  eventSequence: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'event_sequence', [queue]),
  /** Subscribers without their consumer in the queue, and consumers that are no subscribers. */
  subscriberRecords: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'subscriber_records', [queue]),
  queueSettings: (client: Queryable, queue: string) => runCheck<CheckRow>(client, 'queue_settings', [queue]),
  /** A queue below `minBytes` is never too large. */
  queueSize: (client: Queryable, queue: string, minBytes: number) =>
    runCheck<CheckRow>(client, 'queue_size', [queue, minBytes]),
  /** Of these tables those that cannot be replicated. */
  replicable: (client: Queryable, tables: readonly TableName[]) =>
    runCheck<CheckRow>(client, 'replicable', [namesAsJson(tables)]),
} as const;
