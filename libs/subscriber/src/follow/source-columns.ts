import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';

/** A column of the provider, and the column of the subscriber that it fills. */
export interface SourceColumnRecord {
  /** Of the column at the provider; the table's oid there; its name when last seen. */
  readonly number: number;
  readonly relation: string;
  readonly name: string;
  /** As `format_type` writes it there; null: not reported yet. */
  readonly type: string | null;
  readonly ourRelation: string;
  readonly ourNumber: number;
  readonly ourType: string;
  /** Its type there when the rows from before were written; null: the same, or the rows were compared since. */
  readonly formerType: string | null;
}

/** What is known of a table's columns; empty before its first row changes. */
export async function readSourceColumns(
  client: Queryable,
  queue: string,
  table: TableName,
): Promise<SourceColumnRecord[]> {
  const found = await client.query(
    `SELECT number, relation, name, type, our_relation AS "ourRelation", our_number AS "ourNumber", our_type AS "ourType",
       former_type AS "formerType"
     FROM millrace.source_column WHERE queue = $1 AND schema_name = $2 AND table_name = $3 ORDER BY number`,
    [queue, table.schema, table.name],
  );
  return found.rows;
}

/**
 * Stores some columns of a followed table; `isOtherTable`: what was known is of another table and is deleted. Nothing is
 * stored for a table that is not followed.
 */
export async function writeSourceColumns(
  client: Queryable,
  queue: string,
  table: TableName,
  { records, isOtherTable }: { records: readonly SourceColumnRecord[]; isOtherTable: boolean },
): Promise<void> {
  const name = [queue, table.schema, table.name];
  if (isOtherTable)
    await client.query(
      'DELETE FROM millrace.source_column WHERE queue = $1 AND schema_name = $2 AND table_name = $3',
      name,
    );
  await client.query(
    `INSERT INTO millrace.source_column AS c (queue, schema_name, table_name, number, relation, name, type, our_relation,
       our_number, our_type, former_type)
     SELECT t.queue, t.schema_name, t.table_name, r.number, r.relation, r.name, r.type, r."ourRelation", r."ourNumber",
       r."ourType", r."formerType"
     FROM millrace.subscribed_table t, json_to_recordset($4) AS r (number int, relation text, name text, type text,
       "ourRelation" text, "ourNumber" int, "ourType" text, "formerType" text)
     WHERE t.queue = $1 AND t.schema_name = $2 AND t.table_name = $3
     FOR KEY SHARE OF t
     ON CONFLICT (queue, schema_name, table_name, number) DO UPDATE SET relation = EXCLUDED.relation, name = EXCLUDED.name,
       type = EXCLUDED.type, our_relation = EXCLUDED.our_relation, our_number = EXCLUDED.our_number,
       our_type = EXCLUDED.our_type, former_type = EXCLUDED.former_type`,
    [...name, JSON.stringify(records)],
  );
}

/** The table's rows were found equal to the provider's when its columns were these: their former types no longer matter. */
export async function forgetFormerTypes(
  client: Queryable,
  queue: string,
  table: TableName,
  seen: readonly Pick<SourceColumnRecord, 'number' | 'type'>[],
): Promise<void> {
  await client.query(
    `UPDATE millrace.source_column c SET former_type = NULL
     FROM json_to_recordset($4) AS s (number int, type text)
     WHERE c.queue = $1 AND c.schema_name = $2 AND c.table_name = $3 AND c.former_type IS NOT NULL
       AND s.number = c.number AND s.type = c.type`,
    [queue, table.schema, table.name, JSON.stringify(seen.map(({ number, type }) => ({ number, type })))],
  );
}
