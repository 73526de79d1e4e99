import { Client, type QueryResultRow } from 'pg';

/** Opens a connection, hands it to `use`, and closes it however `use` ends. */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  // A server that a test kills ends idle sessions with an error event; the next query reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Runs one statement (or, without parameters, several) on a connection of its own; the rows of the last one. */
export async function query<Row extends QueryResultRow = QueryResultRow>(
  url: string,
  sql: string,
  params: readonly unknown[] = [],
): Promise<Row[]> {
  return withClient(url, async (client) => {
    if (params.length > 0) return (await client.query<Row>(sql, [...params])).rows;
    const result: unknown = await client.query(sql);
    const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: Row[] };
    return last.rows;
  });
}
