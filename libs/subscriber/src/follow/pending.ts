import { safeInteger, type TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';

/** A piece of a section, stored until its table's copy is in. */
export interface PendingPiece {
  readonly tick: number;
  readonly form: 'insert' | 'change' | 'truncate';
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
  /** Numbers and types of the columns; null: not reported. */
  readonly source: string | null;
  /** Its first bytes continue a record of the piece before. */
  readonly cont: boolean;
  /** Records that end in it. */
  readonly n: number;
  readonly lines: Buffer;
}

/** Stores a piece; the caller is in the transaction that moves the position over it. */
export async function storePending(
  client: Queryable,
  queue: string,
  table: TableName,
  piece: PendingPiece,
): Promise<void> {
  await client.query({
    name: 'millrace_keep_pending',
    text: `INSERT INTO millrace.pending (queue, schema_name, table_name, tick, form, columns, key, cont, lines, n, source)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      queue,
      table.schema,
      table.name,
      piece.tick,
      piece.form,
      piece.columns,
      piece.key,
      piece.cont,
      piece.lines,
      piece.n,
      piece.source,
    ],
  });
}

/** The stored pieces of a table after `tick`, in order, a few at a time so that memory stays flat. */
export async function* readPending(
  client: Queryable,
  queue: string,
  table: TableName,
  afterTick: number,
): AsyncGenerator<PendingPiece> {
  let after = '-1';
  while (true) {
    const found = await client.query(
      `SELECT id, tick, form, columns, key, source, cont, n, lines FROM millrace.pending
       WHERE queue = $1 AND schema_name = $2 AND table_name = $3 AND tick > $4 AND id > $5 ORDER BY id LIMIT 16`,
      [queue, table.schema, table.name, afterTick, after],
    );
    for (const row of found.rows) {
      after = row.id;
      yield { ...row, tick: safeInteger(row.tick) };
    }
    if (found.rows.length < 16) return;
  }
}

/** Deletes the stored pieces of a table: all, or those up to a tick. */
export async function dropPending(client: Queryable, queue: string, table: TableName, upTo?: number): Promise<void> {
  await client.query(
    `DELETE FROM millrace.pending WHERE queue = $1 AND schema_name = $2 AND table_name = $3
       AND ($4::bigint IS NULL OR tick <= $4)`,
    [queue, table.schema, table.name, upTo ?? null],
  );
}
