import { type TableName, tableKey, tableLabel } from '@millrace/model';
import { describeTables, type Queryable, type TableDescription } from '@millrace/postgres';

/** Reads a table's description; undefined when there is none of that name. */
export async function describeTable(client: Queryable, table: TableName): Promise<TableDescription | undefined> {
  return (await describeTables(client, [table]))[0]?.description;
}

/** Reads the descriptions of those tables that are there, by `tableKey`. */
export async function tableDescriptions(
  client: Queryable,
  tables: readonly TableName[],
): Promise<Map<string, TableDescription>> {
  const found = await describeTables(client, tables);
  return new Map(found.map((one) => [tableKey(one), one.description]));
}

/** Names of relation kinds for people. */
export function kindLabel(kind: string): string {
  const labels: Readonly<Record<string, string>> = {
    v: 'a view',
    m: 'a materialized view',
    f: 'a foreign table',
    S: 'a sequence',
    i: 'an index',
    I: 'an index',
    c: 'a composite type',
    p: 'a partitioned table',
    r: 'a table',
  };
  return labels[kind] ?? 'not a table';
}

/** The first words of a finding: `eu: public.entry`. */
export function where(subscriber: string, table: TableName): string {
  return `${subscriber}: ${tableLabel(table)}`;
}
