import type { PgClient } from '@millrace/postgres';
import { pinSettings, quoteIdent } from '@millrace/postgres';
import type { Database } from './database.ts';

/** What two databases are compared by: rows and two 64-bit hashes of each row's text under pinned settings, summed. */
interface Sum {
  readonly rows: string;
  readonly a: string;
  readonly b: string;
}

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
  const shape = await shapeOf(left, table);
  const there = await shapeOf(right, table);
  const label = `${table.schema}.${table.name}`;
  const missing = shape.columns.filter((column) => !there.columns.includes(column));
  if (missing.length > 0) return [`${label}: the subscriber has no column ${missing.join(', ')}`];
  const [a, b] = await Promise.all([
    sumOf(left, table, shape),
    sumOf(right, table, { ...there, columns: shape.columns }),
  ]);
  if (a.rows === b.rows && a.a === b.a && a.b === b.b) return [];
  return [
    `${label}: ${a.rows} rows at the provider, ${b.rows} at the subscriber${a.rows === b.rows ? ', not equal' : ''}`,
  ];
}

interface Shape {
  readonly columns: readonly string[];
  readonly only: string;
}

async function shapeOf(client: PgClient, table: Named): Promise<Shape> {
  const result = await client.query(
    `SELECT c.relkind, ARRAY(SELECT attname::text FROM pg_attribute
       WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [table.schema, table.name],
  );
  const row = result.rows[0] as { relkind: string; columns: string[] } | undefined;
  if (row === undefined) throw new Error(`no table ${table.schema}.${table.name}`);
  return { columns: row.columns, only: row.relkind === 'p' ? '' : 'ONLY' };
}

async function sumOf(client: PgClient, table: Named, shape: Shape): Promise<Sum> {
  const list = shape.columns.map((column) => `t.${quoteIdent(column)}`).join(', ');
  const text = `ROW(${list})::text COLLATE "C"`;
  const result = await client.query(
    `SELECT count(*)::text AS rows, coalesce(sum(hashtextextended(${text}, 0)::numeric), 0)::text AS a,
       coalesce(sum(hashtextextended(${text}, 1)::numeric), 0)::text AS b
     FROM ${shape.only} ${quoteIdent(table.schema)}.${quoteIdent(table.name)} AS t`,
  );
  return result.rows[0] as Sum;
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
