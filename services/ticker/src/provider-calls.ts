// Calls to the provider's schema for which libs/provider has no function yet.
import { tableLabel } from '@millrace/model';
import { databaseError, type PgClient } from '@millrace/postgres';
import type { TriggerFinding } from './rotation-loop.ts';

/** Makes drifted capture code anew and finds what no trigger can capture. */
export async function refreshTriggers(client: PgClient, queue: string): Promise<TriggerFinding[]> {
  type Row = { schema_name: string; table_name: string; action: string | null; problem: string | null };
  const text = 'SELECT schema_name, table_name, action, problem FROM millrace.refresh_triggers($1)';
  try {
    const { rows } = await client.query<Row>(text, [queue]);
    return rows.map(({ schema_name, table_name, action, problem }) => ({
      table: tableLabel({ schema: schema_name, name: table_name }),
      action: action ?? 'none',
      problem: problem ?? undefined,
    }));
  } catch (error) {
    throw databaseError(error, 'looking after the capture triggers');
  }
}
