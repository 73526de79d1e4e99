import { codes, MillraceError } from '@millrace/errors';
import { safeInteger, type TableName, type TableState, tableLabel, transitions } from '@millrace/model';
import { type Queryable, quoteTable } from '@millrace/postgres';

/** A followed table as its row says. */
export interface SubscribedTable extends TableName {
  readonly state: TableState;
  readonly copyId: number | null;
  readonly copyAttempt: number | null;
  readonly copyTick: number | null;
  readonly copiedRows: number;
  readonly copiedBytes: number;
  readonly error: string | null;
}

/** The followed tables of a queue, by name. */
export async function listTables(client: Queryable, queue: string): Promise<SubscribedTable[]> {
  const found = await client.query(
    `SELECT schema_name, table_name, state, copy_id, copy_attempt, copy_tick, copied_rows, copied_bytes, error
     FROM millrace.subscribed_table WHERE queue = $1 ORDER BY schema_name, table_name`,
    [queue],
  );
  return found.rows.map(fromRow);
}

/**
 * Follows a table: `registered` waits for a copy, `ok` takes its changes from the next batch on (no copy).
 * A table that is followed already is unchanged. True when it is new.
 */
export async function followTable(
  client: Queryable,
  queue: string,
  table: TableName,
  state: 'registered' | 'ok' = 'registered',
): Promise<boolean> {
  const done = await client.query(
    `INSERT INTO millrace.subscribed_table (queue, schema_name, table_name, state) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [queue, table.schema, table.name, state],
  );
  return done.rowCount === 1;
}

/** Sets which copy of the provider fills the table. */
export async function setCopy(client: Queryable, queue: string, table: TableName, copyId: number): Promise<void> {
  await client.query(
    `UPDATE millrace.subscribed_table SET copy_id = $4, copy_attempt = NULL, copy_tick = NULL, error = NULL,
       copied_rows = 0, copied_bytes = 0, changed_at = clock_timestamp()
     WHERE queue = $1 AND schema_name = $2 AND table_name = $3 AND copy_id IS DISTINCT FROM $4`,
    [queue, table.schema, table.name, copyId],
  );
}

/** Follows a table no longer; pending changes go with it, the rows stay. True when it was followed. */
export async function unfollowTable(client: Queryable, queue: string, table: TableName): Promise<boolean> {
  const done = await client.query(
    'DELETE FROM millrace.subscribed_table WHERE queue = $1 AND schema_name = $2 AND table_name = $3',
    [queue, table.schema, table.name],
  );
  return done.rowCount === 1;
}

/** What changes together with a table's state. What is left out is unchanged. */
export interface TableMove {
  readonly copyAttempt?: number | null;
  readonly copyTick?: number | null;
  readonly copiedRows?: number;
  readonly copiedBytes?: number;
  readonly error?: string | null;
}

/**
 * Moves a table to another state, if the list of transitions in libs/model allows it from where it is.
 * `ifCopy`: only while this copy is the one expected. Throws NOT_LEADER otherwise: a person or another instance was faster.
 */
export async function moveTable(
  client: Queryable,
  queue: string,
  table: TableName,
  { to, ifCopy, ...move }: TableMove & { readonly to: TableState; readonly ifCopy?: number },
): Promise<void> {
  const from = transitions.filter((t) => t.to === to).map((t) => t.from);
  const { sets, values } = assignments(move, 7);
  const done = await client.query(
    `UPDATE millrace.subscribed_table SET state = $4, changed_at = clock_timestamp()${sets}${to === 'registered' ? forgetCopy : ''}
     WHERE queue = $1 AND schema_name = $2 AND table_name = $3 AND state = ANY ($5)
       AND ($6::bigint IS NULL OR copy_id = $6)`,
    [queue, table.schema, table.name, to, from, ifCopy ?? null, ...values],
  );
  if (done.rowCount !== 1) {
    throw new MillraceError(
      codes.NOT_LEADER,
      `table ${tableLabel(table)} cannot become ${to}: its state changed meanwhile`,
    );
  }
}

/** Notes progress or an error without moving the state. */
export async function noteTable(client: Queryable, queue: string, table: TableName, move: TableMove): Promise<void> {
  const { sets, values } = assignments(move, 4);
  await client.query(
    `UPDATE millrace.subscribed_table SET changed_at = clock_timestamp()${sets}
     WHERE queue = $1 AND schema_name = $2 AND table_name = $3`,
    [queue, table.schema, table.name, ...values],
  );
}

// An earlier copy, still on the bus, must not be loaded again over rows that have changed since.
const forgetCopy = ", copy_id = CASE WHEN state = 'copying' THEN copy_id END";

const moveColumns = {
  copyAttempt: 'copy_attempt',
  copyTick: 'copy_tick',
  copiedRows: 'copied_rows',
  copiedBytes: 'copied_bytes',
  error: 'error',
} as const;

function assignments(move: TableMove, firstParameter: number): { sets: string; values: unknown[] } {
  let sets = '';
  const values: unknown[] = [];
  for (const [field, column] of Object.entries(moveColumns) as [keyof TableMove, string][]) {
    if (move[field] === undefined) continue;
    sets += `, ${column} = $${firstParameter + values.length}`;
    values.push(move[field]);
  }
  return { sets, values };
}

/** The followed sequences of a queue. */
export async function listSequences(client: Queryable, queue: string): Promise<TableName[]> {
  const found = await client.query(
    `SELECT schema_name AS schema, sequence_name AS name FROM millrace.subscribed_sequence WHERE queue = $1
     ORDER BY schema_name, sequence_name`,
    [queue],
  );
  return found.rows;
}

/** Follows a sequence. True when it is new. */
export async function followSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const done = await client.query(
    `INSERT INTO millrace.subscribed_sequence (queue, schema_name, sequence_name) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING`,
    [queue, sequence.schema, sequence.name],
  );
  return done.rowCount === 1;
}

/** Follows it no longer. True when it was followed. */
export async function unfollowSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const done = await client.query(
    'DELETE FROM millrace.subscribed_sequence WHERE queue = $1 AND schema_name = $2 AND sequence_name = $3',
    [queue, sequence.schema, sequence.name],
  );
  return done.rowCount === 1;
}

function fromRow(row: Record<string, string | number | null>): SubscribedTable {
  const number = (value: string | number | null | undefined) => (value == null ? null : safeInteger(value));
  return {
    schema: String(row['schema_name']),
    name: String(row['table_name']),
    state: row['state'] as TableState,
    copyId: number(row['copy_id']),
    copyAttempt: number(row['copy_attempt']),
    copyTick: number(row['copy_tick']),
    copiedRows: number(row['copied_rows']) ?? 0,
    copiedBytes: number(row['copied_bytes']) ?? 0,
    error: row['error'] as string | null,
  };
}

/** The statement that gives a sequence a value, for callers that send several statements together. */
export function setSequenceQuery(value: TableName & { readonly last_value: string; readonly is_called: boolean }) {
  return {
    name: 'millrace_setval',
    text: 'SELECT setval($1::text::regclass, $2::bigint, $3::boolean)',
    values: [quoteTable(value), value.last_value, value.is_called],
  };
}
