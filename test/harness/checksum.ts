import type { PgClient } from '@millrace/postgres';
import { pinSettings, quoteIdent } from '@millrace/postgres';
import { checksumIn } from '@millrace/testkit';
import type { Database } from './database.ts';

export interface Named {
  readonly schema: string;
  readonly name: string;
}

/**
 * Compares tables bit for bit, and sequences, all in one snapshot of each side. The provider's columns count; further
 * columns at the subscriber do not. Gives one line for each difference.
 */
export async function differences(
  provider: Database,
  subscriber: Database,
  what: { readonly tables: readonly Named[]; readonly sequences?: readonly Named[] },
): Promise<string[]> {
  return provider.within((left) =>
    subscriber.within(async (right) => {
      await openSnapshot(left);
      await openSnapshot(right);
      const found: string[] = [];
      for (const table of what.tables) found.push(...(await tableDifference({ left, right }, table)));
      for (const sequence of what.sequences ?? []) found.push(...(await sequenceDifference({ left, right }, sequence)));
      return found;
    }),
  );
}

async function openSnapshot(client: PgClient): Promise<void> {
  await pinSettings(client);
  await client.query("SET statement_timeout = '120s'");
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

interface Pair {
  readonly left: PgClient;
  readonly right: PgClient;
}

async function tableDifference({ left, right }: Pair, table: Named): Promise<string[]> {
  const columns = await columnsOf(left, table);
  const there = await columnsOf(right, table);
  const label = `${table.schema}.${table.name}`;
  const missing = columns.filter((column) => !there.includes(column));
  if (missing.length > 0) return [`${label}: the subscriber has no column ${missing.join(', ')}`];
  const name = `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
  const [a, b] = await Promise.all([checksumIn(left, name, columns), checksumIn(right, name, columns)]);
  if (a.rows === b.rows && a.hash0 === b.hash0 && a.hash1 === b.hash1) return [];
  return [
    `${label}: ${a.rows} rows at the provider, ${b.rows} at the subscriber${a.rows === b.rows ? ', not equal' : ''}`,
  ];
}

async function columnsOf(client: PgClient, table: Named): Promise<string[]> {
  const result = await client.query(
    `SELECT ARRAY(SELECT attname::text FROM pg_attribute
       WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [table.schema, table.name],
  );
  const row = result.rows[0] as { columns: string[] } | undefined;
  if (row === undefined) throw new Error(`no table ${table.schema}.${table.name}`);
  return row.columns;
}

async function sequenceDifference({ left, right }: Pair, sequence: Named): Promise<string[]> {
  const read = async (client: PgClient): Promise<string> => {
    const name = `${quoteIdent(sequence.schema)}.${quoteIdent(sequence.name)}`;
    const result = await client.query(`SELECT last_value::text || ' ' || is_called::text AS now FROM ${name}`);
    return (result.rows[0] as { now: string }).now;
  };
  const [a, b] = await Promise.all([read(left), read(right)]);
  return a === b ? [] : [`sequence ${sequence.schema}.${sequence.name}: ${a} at the provider, ${b} at the subscriber`];
}
