import type { Queryable } from '@millrace/postgres';
import { query } from '../query.ts';

/** The URL of the bus that carries this database's queues, as last recorded; undefined when nobody did. May hold a secret. */
export async function readBusAddress(client: Queryable): Promise<string | undefined> {
  const [row] = await query<{ url: string }>(
    client,
    'reading the address of the bus',
    'SELECT url FROM millrace.bus_address',
    [],
  );
  return row?.url;
}

/** Records where the bus is. */
export async function recordBusAddress(client: Queryable, url: string): Promise<void> {
  const sql = `INSERT INTO millrace.bus_address (url) VALUES ($1)
    ON CONFLICT (one) DO UPDATE SET url = excluded.url, recorded_at = now()`;
  await query(client, 'recording the address of the bus', sql, [url]);
}
