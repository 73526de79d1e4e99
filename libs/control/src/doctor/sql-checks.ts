// The checks that one database can answer by itself: each is a statement in sql/doctor.

/** What a statement may be given; `Facts` has the values. */
export type Parameter = 'queue' | 'subscriber' | 'tables' | 'judged' | 'replica' | 'longSeconds' | 'largeQueue';

export interface SqlCheck {
  readonly check: string;
  /** File in sql/doctor. */
  readonly file: string;
  readonly at: 'provider' | 'subscriber' | 'both';
  readonly parameters: readonly Parameter[];
  /** It reads our schema. */
  readonly installed?: true;
  /** What it finds may come while all runs: status and admin look again and again. */
  readonly drift?: true;
  /** About single tables: `add` asks it for those to be added. */
  readonly tables?: true;
  /** Not on older servers. */
  readonly since?: number;
}

export const sqlChecks: readonly SqlCheck[] = [
  { check: 'server-version', file: 'server_version', at: 'both', parameters: [] },
  { check: 'server-writable', file: 'server_writable', at: 'both', parameters: [], drift: true },
  { check: 'server-settings', file: 'server_settings', at: 'both', parameters: [] },
  { check: 'connections', file: 'connections', at: 'both', parameters: [], drift: true },
  { check: 'collation-versions', file: 'collation_versions', at: 'both', parameters: [], since: 150_000 },
  { check: 'long-transactions', file: 'long_transactions', at: 'provider', parameters: ['longSeconds'], drift: true },
  { check: 'roles', file: 'provider_roles', at: 'provider', parameters: [], installed: true },
  { check: 'set-tables', file: 'set_tables', at: 'provider', parameters: ['queue'], installed: true, drift: true },
  { check: 'table-problems', file: 'table_problems', at: 'provider', parameters: ['queue'], installed: true },
  {
    check: 'capture-triggers',
    file: 'capture_triggers',
    at: 'provider',
    parameters: ['queue'],
    installed: true,
    drift: true,
  },
  {
    check: 'set-sequences',
    file: 'followed_sequences',
    at: 'provider',
    parameters: ['queue'],
    installed: true,
    drift: true,
  },
  { check: 'own-sequences', file: 'unfollowed_sequences', at: 'provider', parameters: ['queue'], installed: true },
  {
    check: 'event-sequence',
    file: 'event_sequence',
    at: 'provider',
    parameters: ['queue'],
    installed: true,
    drift: true,
  },
  {
    check: 'queue-settings',
    file: 'queue_settings',
    at: 'provider',
    parameters: ['queue'],
    installed: true,
    drift: true,
  },
  {
    check: 'queue-size',
    file: 'queue_size',
    at: 'provider',
    parameters: ['queue', 'largeQueue'],
    installed: true,
    drift: true,
  },
  { check: 'replicable', file: 'refusals', at: 'provider', parameters: ['tables'], installed: true },
  { check: 'database-rights', file: 'subscriber_rights', at: 'subscriber', parameters: [], tables: true },
  { check: 'replica-role', file: 'replica_role', at: 'subscriber', parameters: ['replica'], tables: true },
  {
    check: 'position',
    file: 'subscriber_position',
    at: 'subscriber',
    parameters: ['queue', 'subscriber'],
    installed: true,
  },
  {
    check: 'followed-tables',
    file: 'followed_tables',
    at: 'subscriber',
    parameters: ['queue', 'subscriber'],
    installed: true,
    drift: true,
  },
  {
    check: 'subscriber-sequences',
    file: 'subscriber_sequences',
    at: 'subscriber',
    parameters: ['queue'],
    installed: true,
    drift: true,
  },
  {
    check: 'subscriber-tables',
    file: 'subscriber_tables',
    at: 'subscriber',
    parameters: ['judged'],
    drift: true,
    tables: true,
  },
  {
    check: 'subscriber-triggers',
    file: 'subscriber_triggers',
    at: 'subscriber',
    parameters: ['judged', 'replica'],
    drift: true,
    tables: true,
  },
  {
    check: 'foreign-keys',
    file: 'foreign_keys',
    at: 'subscriber',
    parameters: ['tables', 'replica', 'judged'],
    tables: true,
  },
];
