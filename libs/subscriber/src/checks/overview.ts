import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import type { SubscribedTable } from '../follow/tables.ts';
import type { ReplayState } from '../state/control.ts';
import type { StoredPosition } from '../state/position.ts';
import { runQuery } from '../statements.ts';

/** What `subscriber_overview.sql` gives: all of one queue, at one moment. Times are ISO 8601, UTC. */
export interface SubscriberOverview {
  readonly now: string;
  readonly position: Pick<StoredPosition, 'subscriber' | 'provider' | 'tick' | 'fingerprint' | 'appliedAt'>;
  readonly tables: readonly TableOverview[];
  readonly sequences: readonly TableName[];
  readonly paused: boolean;
  readonly replay: ReplayOverview | null;
}

/** A followed table. */
export interface TableOverview
  extends Pick<SubscribedTable, 'schema' | 'name' | 'state' | 'copyId' | 'copiedRows' | 'copiedBytes' | 'error'> {
  /** Columns whose type was altered at the provider while the table was followed, and has not been compared since. */
  readonly altered: readonly { readonly name: string; readonly type: string; readonly former: string }[];
}

/** The last report of replay. */
export interface ReplayOverview extends Pick<ReplayState, 'state'> {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly ageMs: number;
}

/** Undefined when the queue was never set up here. Throws the driver's errors. */
export async function readSubscriberOverview(
  client: Queryable,
  queue: string,
): Promise<SubscriberOverview | undefined> {
  const [row] = await runQuery<{ overview: string }>(client, 'subscriber_overview', [queue]);
  const overview = JSON.parse(row?.overview ?? '{"position":null}') as SubscriberOverview | { readonly position: null };
  return overview.position === null ? undefined : (overview as SubscriberOverview);
}

/** A text that changes when something was done that may let a refused batch in. Throws the driver's errors. */
export async function readRepairSigns(client: Queryable, queue: string): Promise<string> {
  return (await runQuery<{ signs: string }>(client, 'repair_signs', [queue]))[0]?.signs ?? '';
}

/** Where replay stands, and why it may not get further. */
export interface ReplayStanding {
  /** Decimal text. */
  readonly tick: string;
  readonly fingerprint: string;
  readonly paused: boolean;
  /** What it reported since the last batch; null before the first report. */
  readonly state: string | null;
  readonly error_message: string | null;
  /** Since its last report or batch. */
  readonly age_ms: number | null;
}

/** Undefined when the queue is not set up here. As the first statement of a transaction it decides what that sees. */
export async function readReplayStanding(client: Queryable, queue: string): Promise<ReplayStanding | undefined> {
  return (await runQuery<ReplayStanding>(client, 'replay_standing', [queue]))[0];
}
