import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import type { CopyRequest } from '../copies/copy-requests.ts';
import { runQuery } from '../statements.ts';
import type { SubscriberRecord } from '../subscribers/subscribers.ts';
import type { ComparisonNote } from './comparisons.ts';
import type { ServiceReport } from './service-reports.ts';

/** What `provider_overview.sql` gives: the provider's side of everything, at one moment. Times are ISO 8601, UTC. */
export interface ProviderOverview {
  readonly now: string;
  readonly set: { readonly systemIdentifier: string };
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
  readonly tables: readonly SetTable[];
  readonly sequences: readonly SetSequence[];
  readonly subscribers: readonly KnownSubscriber[];
  readonly copies: readonly OpenCopy[];
  readonly services: readonly ServiceState[];
  /** What the last comparison of each table at each subscriber found. */
  readonly comparisons: readonly NotedComparison[];
}

/** A subscriber, and its consumer in the queue. */
export interface KnownSubscriber extends SubscriberRecord {
  /** The tick after which the queue keeps everything for it; null: its consumer is gone. */
  readonly keptFrom: number | null;
}

/** A table of the set. */
export interface SetTable extends TableName {
  /** Key columns, in index order. */
  readonly key: readonly string[];
  /** Why changes of the table may be missing; null when all is well. */
  readonly problem: string | null;
  /** Rows, as the server's statistics have it. */
  readonly estimate: number;
}

/** A sequence of the set. */
export interface SetSequence extends TableName {
  /** The value last put into the queue, null before the first time. Decimal text: it may be beyond 2^53. */
  readonly lastValue: string | null;
}

/** A copy that was requested and is not finished. */
export interface OpenCopy extends TableName, Pick<CopyRequest, 'subscribers' | 'rows' | 'bytes'> {
  readonly id: number;
  readonly state: 'wanted' | 'copying';
}

/** The last report of a service, with its age by the provider's clock. */
export interface ServiceState extends Pick<ServiceReport, 'service' | 'state'> {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly ageMs: number;
}

/** A comparison as the provider keeps it. Numbers are null when the table was not compared. */
export interface NotedComparison extends Omit<ComparisonNote, 'providerRows' | 'subscriberRows'> {
  /** At the provider. */
  readonly rows: number | null;
  readonly comparedAt: string;
}

/** Undefined when the queue has no set. Throws the driver's errors. */
export async function readProviderOverview(client: Queryable, queue: string): Promise<ProviderOverview | undefined> {
  const [row] = await runQuery<{ overview: string }>(client, 'provider_overview', [queue]);
  const overview = JSON.parse(row?.overview ?? '{"set":null}') as ProviderOverview | { readonly set: null };
  return overview.set === null ? undefined : overview;
}
