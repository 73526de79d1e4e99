import { escapeIdentifier } from 'pg';
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

/** A session that can be asked. */
interface Session {
  query(sql: string, params?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * Counts and hashes all rows of a table. `table` is a name as in SQL (`public.entry`, `"Odd".t`); `columns` are
 * unquoted names in the order to compare by, default: all, sorted by name. A partitioned table is read as a whole, any
 * other one without its children.
 */
export async function checksum(url: string, table: string, columns?: readonly string[]): Promise<Checksum> {
  return withClient(url, async (client) => {
    await client.query(pinned);
    return checksumIn(client, table, columns ?? (await columnsOf(client, table)));
  });
}

/** The same in a session whose settings are pinned already, in its snapshot. */
export async function checksumIn(session: Session, table: string, columns: readonly string[]): Promise<Checksum> {
  const fields = columns.map((name) => `t.${escapeIdentifier(name)}`);
  const line = `ROW(${fields.join(', ')})::text COLLATE "C"`;
  const only = (await isPartitioned(session, table)) ? '' : 'ONLY ';
  const { rows } = await session.query(
    `SELECT count(*)::text AS rows,
       coalesce(sum(hashtextextended(${line}, 0)::numeric), 0)::text AS hash0,
       coalesce(sum(hashtextextended(${line}, 1)::numeric), 0)::text AS hash1
     FROM ${only}${table} AS t`,
  );
  return rows[0] as Checksum;
}

async function columnsOf(session: Session, table: string): Promise<string[]> {
  const { rows } = await session.query(
    `SELECT attname AS name FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE "C"`,
    [table],
  );
  return (rows as { name: string }[]).map((row) => row.name);
}

async function isPartitioned(session: Session, table: string): Promise<boolean> {
  const sql = "SELECT relkind = 'p' AS yes FROM pg_catalog.pg_class WHERE oid = $1::regclass";
  const { rows } = await session.query(sql, [table]);
  return (rows as { yes: boolean }[])[0]?.yes === true;
}
