import type { Client } from 'pg';
import { withClient } from './query.ts';

/** Two tables with the same checksum over the same columns have the same rows, bit for bit. All numbers as text. */
export interface Checksum {
  readonly rows: string;
  readonly hash0: string;
  readonly hash1: string;
}

// Under these settings the text of a value is injective for every type, so equal texts mean equal values.
const pinned = `SET extra_float_digits = 1; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres;
  SET bytea_output = hex; SET timezone = 'UTC'; SET lc_monetary = 'C'; SET row_security = on`;

/**
 * Counts and hashes all rows of a table. `table` is a name as in SQL (`public.entry`, `"Odd".t`); `columns` are
 * unquoted names in the order to compare by, default: all, sorted by name. A partitioned table is read as a whole, any
 * other one without its children.
 */
export async function checksum(url: string, table: string, columns?: readonly string[]): Promise<Checksum> {
  return withClient(url, async (client) => {
    await client.query(pinned);
    const fields = (columns ?? (await columnsOf(client, table))).map((name) => `t.${client.escapeIdentifier(name)}`);
    const line = `ROW(${fields.join(', ')})::text COLLATE "C"`;
    const only = (await isPartitioned(client, table)) ? '' : 'ONLY ';
    const result = await client.query<{ rows: string; hash0: string | null; hash1: string | null }>(
      `SELECT count(*)::text AS rows,
         sum(hashtextextended(${line}, 0)::numeric)::text AS hash0,
         sum(hashtextextended(${line}, 1)::numeric)::text AS hash1
       FROM ${only}${table} AS t`,
    );
    const row = result.rows[0];
    return { rows: row?.rows ?? '0', hash0: row?.hash0 ?? '', hash1: row?.hash1 ?? '' };
  });
}

async function columnsOf(client: Client, table: string): Promise<string[]> {
  const result = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE "C"`,
    [table],
  );
  return result.rows.map((row) => row.name);
}

async function isPartitioned(client: Client, table: string): Promise<boolean> {
  const sql = "SELECT relkind = 'p' AS yes FROM pg_catalog.pg_class WHERE oid = $1::regclass";
  return (await client.query<{ yes: boolean }>(sql, [table])).rows[0]?.yes === true;
}
