import type { TableState } from '@millrace/model';

/** What `provider_overview.sql` gives: the provider's side of everything, at one moment. Times are ISO 8601, UTC. */
export interface ProviderOverview {
  readonly now: string;
  readonly set: { readonly systemIdentifier: string } | null;
  readonly tick: { readonly tick: number; readonly fingerprint: string; readonly time: string } | null;
  /** Events put into the queue after the newest tick. */
  readonly newEvents: number | null;
  readonly queue: {
    /** The oldest tick that some subscriber still stands at. */
    readonly oldestTick: number | null;
    /** Events (each may hold many rows) after it; an estimate. */
    readonly events: number | null;
    /** Size of the event tables. */
    readonly bytes: number;
    readonly eventTables: number;
    readonly rotatedAt: string;
  } | null;
  readonly tables: readonly {
    readonly schema: string;
    readonly name: string;
    readonly key: readonly string[];
    readonly problem: string | null;
    /** Rows, as the server's statistics have it. */
    readonly estimate: number;
  }[];
  readonly sequences: readonly { readonly schema: string; readonly name: string; readonly lastValue: string | null }[];
  readonly subscribers: readonly {
    readonly name: string;
    readonly tick: number;
    readonly fingerprint: string;
    readonly reportedAt: string | null;
  }[];
  /** Copies asked for and not finished. */
  readonly copies: readonly {
    readonly id: number;
    readonly schema: string;
    readonly name: string;
    readonly subscribers: readonly string[];
    readonly state: 'wanted' | 'copying';
    readonly rows: number | null;
    readonly bytes: number | null;
  }[];
  readonly services: readonly {
    readonly service: string;
    readonly state: string;
    readonly errorCode: string | null;
    readonly errorMessage: string | null;
    readonly ageMs: number;
  }[];
  /** What the last comparison of each table at each subscriber found. */
  readonly comparisons: readonly NotedComparison[];
}

/** A comparison as the provider keeps it. Numbers are null when the table was not compared. */
export interface NotedComparison {
  readonly subscriber: string;
  readonly schema: string;
  readonly name: string;
  readonly state: 'equal' | 'different' | 'not-compared';
  readonly reason: string | null;
  readonly tick: number | null;
  readonly rows: number | null;
  readonly missing: number | null;
  readonly extra: number | null;
  readonly different: number | null;
  readonly comparedAt: string;
}

/** A table at a subscriber. */
export interface SubscribedTable {
  readonly schema: string;
  readonly name: string;
  readonly state: TableState;
  readonly copyId: number | null;
  readonly copiedRows: number;
  readonly copiedBytes: number;
  readonly error: string | null;
  /** Columns whose type was altered at the provider while the table was followed, and has not been compared since. */
  readonly altered: readonly { readonly name: string; readonly type: string; readonly former: string }[];
}

/** What `subscriber_overview.sql` gives. */
export interface SubscriberOverview {
  readonly now: string;
  readonly position: {
    readonly subscriber: string;
    readonly provider: string;
    readonly tick: number;
    readonly fingerprint: string;
    readonly appliedAt: string | null;
  } | null;
  readonly tables: readonly SubscribedTable[];
  readonly sequences: readonly { readonly schema: string; readonly name: string }[];
  readonly paused: boolean;
  readonly replay: {
    readonly state: string;
    readonly errorCode: string | null;
    readonly errorMessage: string | null;
    readonly ageMs: number;
  } | null;
}
