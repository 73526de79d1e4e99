import type { Readable } from 'node:stream';
import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { copyOut, type PgClient, quoteIdent, quoteTable } from '@millrace/postgres';
import { query } from '../query.ts';

/** How a table is read whole. */
export interface TableCopyPlan {
  readonly table: TableName;
  /** Columns that a subscriber can write, in order: all but generated ones. */
  readonly columns: readonly string[];
  /** Their numbers and types, as events tell them. */
  readonly source: string;
  /** A partitioned root is read through its partitions, any other table without its children. */
  readonly partitioned: boolean;
  /** What holds its rows, if that can be read by pages: the table itself, or its partitions. Empty: it cannot. */
  readonly heaps: readonly Heap[];
  /** What the statistics say; for progress shown to people. */
  readonly estimate: { readonly rows: number; readonly bytes: number };
}

/** A table that holds rows, with the pages it had when this was planned. */
export interface Heap extends TableName {
  readonly pages: number;
}

interface PlanRow {
  kind: string;
  columns: string[];
  source: string;
  rows: string;
  bytes: string;
  heaps: string | null;
}

/** Plans the copy of a table as the session's snapshot shows it. Throws NOT_FOUND. */
export async function planTableCopy(client: PgClient, table: TableName): Promise<TableCopyPlan> {
  const sql = `SELECT c.relkind::text AS kind, t.columns, millrace.copy_source(c.oid, t.columns) AS source,
      (SELECT coalesce(pg_catalog.sum(CASE WHEN l.relpages > 0 AND l.reltuples > 0
          THEN l.reltuples / l.relpages * (pg_catalog.pg_relation_size(l.oid) / pg_catalog.current_setting('block_size')::int) ELSE 0 END), 0)::bigint
        FROM pg_catalog.pg_class l WHERE l.oid = ANY (t.leaves)) AS rows,
      (SELECT coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(l)), 0)::bigint FROM pg_catalog.unnest(t.leaves) AS l) AS bytes,
      (SELECT CASE WHEN pg_catalog.bool_and(h.relkind = 'r' AND m.amname = 'heap' AND (h.oid = c.oid
            OR pg_catalog.has_table_privilege(h.oid, 'SELECT') AND pg_catalog.has_schema_privilege(hn.oid, 'USAGE')
              AND NOT h.relrowsecurity))
          THEN pg_catalog.json_agg(pg_catalog.json_build_object('schema', hn.nspname, 'name', h.relname,
            'pages', pg_catalog.pg_relation_size(h.oid) / pg_catalog.current_setting('block_size')::int) ORDER BY h.oid)::text END
        FROM pg_catalog.pg_class h JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace
        LEFT JOIN pg_catalog.pg_am m ON m.oid = h.relam WHERE h.oid = ANY (t.leaves)) AS heaps
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT CASE WHEN c.relkind = 'p'
      THEN ARRAY(SELECT p.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) p WHERE p.isleaf) ELSE ARRAY[c.oid] END AS leaves,
      ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns) t
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`;
  const [row] = await query<PlanRow>(client, `planning the copy of ${tableLabel(table)}`, sql, [
    table.schema,
    table.name,
  ]);
  if (row === undefined) throw new MillraceError(codes.NOT_FOUND, `table ${tableLabel(table)} is not at the provider`);
  return {
    table,
    columns: row.columns,
    source: row.source,
    partitioned: row.kind === 'p',
    heaps: JSON.parse(row.heaps ?? '[]') as Heap[],
    estimate: { rows: Number(row.rows), bytes: Number(row.bytes) },
  };
}

/** A table being read. */
export interface TableReading {
  /** COPY text, cut anywhere. A reader that gives up must drop the session. */
  readonly bytes: Readable;
  /** Rows that were read; to be read after the last bytes. */
  rows(): Promise<number>;
}

/** Pages of a heap from one on, up to another; null: to the end, also what came behind the pages that were counted. */
export interface PageRange {
  readonly of: TableName;
  readonly from: number;
  readonly to: number | null;
}

/** Reads the rows, or those on some pages, as COPY text. The session's settings should be pinned. */
export function readTable(client: PgClient, plan: TableCopyPlan, range?: PageRange): TableReading {
  const bytes: Readable & { rowCount?: number } = copyOut(
    client,
    range === undefined ? copySql(plan) : rangeSql(plan, range),
  );
  const rows = async () => {
    // The count comes with the end of the command, which the next answer is sure to be behind.
    await query(client, 'ending a copy', 'SELECT 1', []);
    return bytes.rowCount ?? 0;
  };
  return { bytes, rows };
}

function copySql(plan: TableCopyPlan): string {
  const columns = plan.columns.map(quoteIdent).join(', ');
  const name = quoteTable(plan.table);
  if (plan.columns.length === 0) return `COPY (SELECT FROM ${plan.partitioned ? '' : 'ONLY '}${name}) TO STDOUT`;
  // COPY of a plain table leaves its children out by itself and is a little faster than COPY of a query.
  const source = plan.partitioned ? `(SELECT ${columns} FROM ${name})` : `${name} (${columns})`;
  return `COPY ${source} TO STDOUT`;
}

function rangeSql(plan: TableCopyPlan, { of, from, to }: PageRange): string {
  const end = to === null ? '' : ` AND ctid < '(${to},0)'::pg_catalog.tid`;
  return `COPY (SELECT ${plan.columns.map(quoteIdent).join(', ')} FROM ONLY ${quoteTable(of)}
    WHERE ctid >= '(${from},0)'::pg_catalog.tid${end}) TO STDOUT`;
}
