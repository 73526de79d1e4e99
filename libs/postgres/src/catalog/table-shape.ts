import type { Queryable } from '../client.ts';
import { sqlFileRunner } from '../schema/sql-folder.ts';
import type { CatalogName } from './catalog-name.ts';

const run = sqlFileRunner(new URL('../../sql/', import.meta.url));

/** A column as `table_shape.sql` gives it. */
export interface ShapeColumn {
  readonly name: string;
  /** As SQL writes it, without modifier. */
  readonly type: string;
  readonly generated: boolean;
  readonly identityAlways: boolean;
  /** Its cast to text is its output. */
  readonly plain: boolean;
}

/** A table as the session's snapshot has it. */
export interface TableShape {
  readonly partitioned: boolean;
  /** Of the database's texts. */
  readonly encoding: string;
  readonly columns: readonly ShapeColumn[];
}

/** With the facts that decide whether its rows can be read. */
export interface ReadableShape extends TableShape {
  /** The files that hold the rows in the snapshot, and now; others: it was truncated or written again since. */
  readonly filesThen: string | null;
  readonly filesNow: string | null;
  /** Row security hides rows from the role of the session. */
  readonly rowSecurity: boolean;
}

/** Undefined when the session's snapshot has no such table. */
export async function readTableShape(
  client: Queryable,
  { schema, name }: CatalogName,
): Promise<ReadableShape | undefined> {
  const [row] = await run<{ shape: string }>(client, 'table_shape', [schema, name]);
  return row === undefined ? undefined : (JSON.parse(row.shape) as ReadableShape);
}
