import type { TableName } from '@millrace/model';
import { type Queryable, quoteTable } from '@millrace/postgres';
import { readOwnerCode } from './owner-code.ts';

/** A column of a table at the subscriber. SQL texts in here are quoted by the server. */
export interface TargetColumn {
  readonly name: string;
  /** `pg_attribute.attnum`. */
  readonly number: number;
  /** The type with its modifier, and the same below any domain. */
  readonly declared: string;
  readonly base: string;
  /**
   * The type below any domain, without its modifier: what a staging column has. Values are rounded or refused by the table's
   * own column when they are inserted. A stage with the modifier would do it by the column as it was when the stage was made.
   */
  readonly type: string;
  /** ` COLLATE …` for such a column, or empty. */
  readonly collate: string;
  readonly generated: boolean;
  /** always: only an INSERT that overrides may write it. */
  readonly identity: 'always' | 'by default' | null;
  /** Two values are equal only if their texts are: not so for numeric, citext, float8, … */
  readonly exact: boolean;
}

/** A unique index that identifies one row: whole (no predicate), on plain columns. */
export interface TargetIndex {
  readonly name: string;
  readonly columns: readonly string[];
  /** The index's own equality of each column, as `OPERATOR(schema.=)`. */
  readonly equals: readonly string[];
}

/** Whose code runs when a table is written. */
export interface TableOwner {
  /** Quoted. */
  readonly name: string;
  readonly oid: string;
  /** Names of what of the owner's may run: checks, triggers, index expressions, … */
  readonly code: readonly string[];
  /** Statements on the table run as the owner. */
  readonly actAs: boolean;
  /** There is no code that would have to run as the owner, which is checked again in every transaction that writes. */
  readonly recheck: boolean;
}

/** What replay must know of a table before it writes into it. */
export interface TargetTable extends TableName {
  readonly oid: string;
  readonly partitioned: boolean;
  readonly owner: TableOwner;
  /** What `readVersion` gave before the rest was read. */
  readonly version: string;
  /** Our role would see only some rows of it. */
  readonly rowSecurity: boolean;
  readonly columns: readonly TargetColumn[];
  readonly uniqueIndexes: readonly TargetIndex[];
  /** Other tables whose foreign keys point here; TRUNCATE must name them too or is refused. */
  readonly referencedBy: readonly TableName[];
  /** Oids of it and, when partitioned, of all its partitions, with their names. */
  readonly parts: readonly TableName[];
  readonly partOids: readonly string[];
}

// Types whose text output is one-to-one with equality, so that equal texts and equal values are the same question.
const exactTypes = `'int2','int4','int8','oid','bool','uuid','date','timestamp','timestamptz','time','bytea','text','varchar','name','char'`;

const tableSql = `SELECT c.oid, c.relkind, row_security_active(c.oid) AS rls,
    (SELECT coalesce(json_agg(json_build_object('schema', n2.nspname, 'name', c2.relname)), '[]')
     FROM pg_constraint k JOIN pg_class c2 ON c2.oid = k.conrelid JOIN pg_namespace n2 ON n2.oid = c2.relnamespace
     WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.conrelid <> c.oid AND k.conparentid = 0) AS referenced_by,
    (SELECT coalesce(json_agg(json_build_object('schema', n2.nspname, 'name', c2.relname)), '[]')
     FROM pg_class c2 JOIN pg_namespace n2 ON n2.oid = c2.relnamespace
     WHERE c2.oid = c.oid OR (c.relkind = 'p' AND c2.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS parts,
    (SELECT json_agg(p.relid::oid::text) FROM (SELECT c.oid UNION SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE c.relkind = 'p') p(relid)) AS part_oids
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2`;

const columnSql = `WITH RECURSIVE base (attnum, type, mod) AS (
    SELECT attnum, atttypid, atttypmod FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype, CASE WHEN b.mod < 0 THEN t.typtypmod ELSE b.mod END FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
  SELECT a.attname AS name, a.attnum AS number, format_type(a.atttypid, a.atttypmod) AS declared,
    format_type(b.type, b.mod) AS base, format_type(b.type, -1) AS type, a.attgenerated <> '' AS generated, a.attidentity AS identity,
    CASE WHEN a.attcollation <> 0 AND l.collname <> 'default'
      THEN format(' COLLATE %I.%I', ln.nspname, l.collname) ELSE '' END AS collate,
    (t.typtype = 'e' OR (t.typnamespace = 'pg_catalog'::regnamespace AND t.typname IN (${exactTypes})))
      AND coalesce(l.collisdeterministic, true) AS exact
  FROM pg_attribute a JOIN base b USING (attnum) JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
  WHERE a.attrelid = $1 ORDER BY a.attnum`;

const indexSql = `SELECT ic.relname AS name,
    json_agg(a.attname ORDER BY k.ord) AS columns,
    json_agg(format('OPERATOR(%I.%s)', pn.nspname, p.oprname) ORDER BY k.ord) AS equals
  FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
    CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k(ord)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.ord]
    JOIN pg_opclass o ON o.oid = i.indclass[k.ord]
    JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amopstrategy = 3
      AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
    JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace pn ON pn.oid = p.oprnamespace
  WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  GROUP BY ic.relname, i.indisprimary ORDER BY i.indisprimary DESC, ic.relname`;

const identities = { a: 'always', d: 'by default' } as const;

/** Reads a table's shape; undefined when there is no such table (a view or foreign table counts as none). */
export async function readTarget(client: Queryable, table: TableName): Promise<TargetTable | undefined> {
  const found = await client.query(tableSql, [table.schema, table.name]);
  const head = found.rows[0];
  if (head === undefined || !['r', 'p'].includes(head.relkind)) return undefined;
  const partOids = fromJson<string>(head.part_oids);
  // Before all else: what changes while the rest is read is found to have changed.
  const version = await readVersion(client, partOids);
  const owner = await readOwner(client, table);
  const columns = await client.query(columnSql, [head.oid]);
  const indexes = await client.query(indexSql, [head.oid]);
  return {
    schema: table.schema,
    name: table.name,
    oid: String(head.oid),
    partitioned: head.relkind === 'p',
    owner,
    version,
    partOids,
    rowSecurity: head.rls,
    columns: columns.rows.map((row) => ({
      name: row.name,
      number: Number(row.number),
      declared: row.declared,
      base: row.base,
      type: row.type,
      collate: row.collate,
      generated: row.generated,
      identity: identities[row.identity as 'a' | 'd'] ?? null,
      exact: row.exact,
    })),
    uniqueIndexes: indexes.rows.map((row) => ({
      name: row.name,
      columns: fromJson(row.columns),
      equals: fromJson(row.equals),
    })),
    referencedBy: fromJson(head.referenced_by),
    parts: fromJson(head.parts),
  };
}

async function readOwner(client: Queryable, table: TableName): Promise<TableOwner> {
  const replica = (await client.query("SELECT current_setting('session_replication_role') = 'replica' AS yes")).rows[0];
  const code = await readOwnerCode(client, table, replica?.yes === true);
  const isOther = code !== undefined && !code.own && code.may && !code.nested;
  const names = code?.names ?? [];
  return {
    name: code?.owner ?? '',
    oid: code?.ownerOid ?? '0',
    code: names,
    actAs: isOther && names.length > 0,
    recheck: isOther && names.length === 0,
  };
}

/** The server's json arrives as text. */
function fromJson<T>(value: unknown): T[] {
  return (typeof value === 'string' ? JSON.parse(value) : value) as T[];
}

/**
 * Which of the tables reference which, child to parents, for sessions in which foreign keys are enforced.
 * Returns the tables with parents first; tables in a circle come in the order given.
 */
export async function orderByReferences<T extends TableName>(client: Queryable, tables: readonly T[]): Promise<T[]> {
  const found = await client.query(
    `SELECT n.nspname AS child_schema, c.relname AS child, pn.nspname AS parent_schema, p.relname AS parent
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
     WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND k.conparentid = 0`,
  );
  const key = (schema: string, name: string) => JSON.stringify([schema, name]);
  const parents = new Map<string, string[]>();
  for (const row of found.rows) {
    const child = key(row.child_schema, row.child);
    parents.set(child, [...(parents.get(child) ?? []), key(row.parent_schema, row.parent)]);
  }
  const byKey = new Map(tables.map((table) => [key(table.schema, table.name), table]));
  const ordered = new Set<T>();
  const visiting = new Set<string>();
  const visit = (name: string) => {
    if (visiting.has(name)) return;
    visiting.add(name);
    for (const parent of parents.get(name) ?? []) visit(parent);
    const table = byKey.get(name);
    if (table !== undefined) ordered.add(table);
  };
  for (const name of byKey.keys()) visit(name);
  return [...ordered];
}

// Changes whenever a column, an index, the row security or the owner of one of the tables does, what may run when it is written,
// or whether we may act as the owner.
const versionSql = `SELECT md5(string_agg(v, ',' ORDER BY v)) AS version FROM (
    SELECT format('a %s %s %s', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid = ANY ($1::oid[]) AND attnum > 0
    UNION ALL SELECT format('i %s %s', indexrelid, xmin) FROM pg_index WHERE indrelid = ANY ($1::oid[])
    UNION ALL SELECT format('k %s %s', oid, xmin) FROM pg_constraint WHERE conrelid = ANY ($1::oid[]) AND contype IN ('c', 'x')
    UNION ALL SELECT format('g %s %s', oid, xmin) FROM pg_trigger WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal
    UNION ALL SELECT format('d %s %s', oid, xmin) FROM pg_attrdef WHERE adrelid = ANY ($1::oid[])
    UNION ALL SELECT format('r %s %s', oid, xmin) FROM pg_rewrite WHERE ev_class = ANY ($1::oid[])
    UNION ALL SELECT format('p %s', inhrelid) FROM pg_inherits WHERE inhparent = ANY ($1::oid[])
    UNION ALL SELECT format('c %s %s %s %s %s', oid, relname, relrowsecurity, relowner, pg_has_role(relowner, 'MEMBER'))
      FROM pg_class WHERE oid = ANY ($1::oid[])) s(v)`;

/** A text that changes whenever one of the tables is altered in a way that matters to `readTarget`. */
export async function readVersion(client: Queryable, oids: readonly string[]): Promise<string> {
  const found = await client.query({ name: 'millrace_version', text: versionSql, values: [oids] });
  return `${oids.length} ${found.rows[0]?.version}`;
}

/**
 * Keeps a table as it was read until the end of the transaction: its owner can put nothing on it meanwhile. False: it was altered
 * since. For tables whose statements do not run as the owner because there is no code of the owner.
 */
export async function keepUnaltered(client: Queryable, table: TargetTable): Promise<boolean> {
  if (!table.owner.recheck) return true;
  await client.query(`LOCK TABLE ${table.partitioned ? '' : 'ONLY '}${quoteTable(table)} IN ROW EXCLUSIVE MODE`);
  return (await readVersion(client, table.partOids)) === table.version;
}
