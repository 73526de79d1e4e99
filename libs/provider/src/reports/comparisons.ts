import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { query } from '../query.ts';

/** What a comparison found of one table at one subscriber. Numbers are null when it was not compared. */
export interface ComparisonNote extends TableName {
  readonly subscriber: string;
  readonly state: 'equal' | 'different' | 'not-compared';
  readonly reason: string | null;
  readonly tick: number | null;
  readonly providerRows: number | null;
  readonly subscriberRows: number | null;
  readonly missing: number | null;
  readonly extra: number | null;
  readonly different: number | null;
}

/** Notes the results in the place of earlier ones, with the time. */
export async function noteComparisons(
  client: Queryable,
  queue: string,
  notes: readonly ComparisonNote[],
): Promise<void> {
  const results = notes.map(({ name, providerRows, subscriberRows, ...note }) => ({
    ...note,
    table: name,
    provider_rows: providerRows,
    subscriber_rows: subscriberRows,
  }));
  await query(client, 'noting a comparison', 'SELECT millrace.note_comparison($1, $2::jsonb)', [
    queue,
    JSON.stringify(results),
  ]);
}
