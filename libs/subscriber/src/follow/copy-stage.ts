// Copy stages: what has arrived of a copy, beside its table, committed every few chunks so that an aborted load continues.
import { createHash } from 'node:crypto';
import { safeInteger } from '@millrace/model';
import { type Queryable, quoteIdent } from '@millrace/postgres';

/** The chunks that one transaction loaded. */
export interface CopyPart {
  readonly attempt: number;
  readonly chunks: readonly number[];
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
  /** Their numbers and types at the provider; undefined: not reported. */
  readonly source: string | undefined;
  readonly tick: number;
  /** With the last chunk: rows of the whole copy. */
  readonly wholeRows: number | null;
}

/** All that is loaded of a copy. */
export interface StagedCopy extends Omit<CopyPart, 'chunks'> {
  readonly chunks: ReadonlySet<number>;
}

const suffixOf = (queue: string) => createHash('md5').update(queue).digest('hex').slice(0, 8);

/** The stage of a copy, quoted. Queues that share a database have stages of their own. */
export function copyStageOf(queue: string, copyId: number): string {
  return `millrace.${quoteIdent(`copy_${copyId}_${suffixOf(queue)}`)}`;
}

/** Makes the stage, empty; what an earlier attempt left is dropped. `fields`: its columns with their types, as SQL. */
export async function makeCopyStage(
  client: Queryable,
  queue: string,
  copyId: number,
  fields: readonly string[],
): Promise<void> {
  await dropCopyStage(client, queue, copyId);
  await client.query(`CREATE UNLOGGED TABLE ${copyStageOf(queue, copyId)} (${fields.join(', ')})`);
}

export async function dropCopyStage(client: Queryable, queue: string, copyId: number): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${copyStageOf(queue, copyId)}`);
  await client.query('DELETE FROM millrace.copy_part WHERE queue = $1 AND copy_id = $2', [queue, copyId]);
}

/** Records a part; the caller is in the transaction that loaded it. */
export async function recordPart(client: Queryable, queue: string, copyId: number, part: CopyPart): Promise<void> {
  const { attempt, chunks, rows, bytes, columns, source, tick, wholeRows } = part;
  await client.query(
    `INSERT INTO millrace.copy_part (queue, copy_id, attempt, chunks, rows, bytes, columns, tick, whole_rows, source)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [queue, copyId, attempt, [...chunks], rows, bytes, [...columns], tick, wholeRows, source ?? null],
  );
}

/** What is loaded of a copy; undefined when nothing is. */
export async function readStaged(client: Queryable, queue: string, copyId: number): Promise<StagedCopy | undefined> {
  const found = await client.query(
    `SELECT attempt, chunks, rows, bytes, columns, source, tick, whole_rows FROM millrace.copy_part
     WHERE queue = $1 AND copy_id = $2`,
    [queue, copyId],
  );
  const [first] = found.rows;
  if (first === undefined) return undefined;
  const total = (name: string) => found.rows.reduce((sum, row) => sum + safeInteger(row[name]), 0);
  const last = found.rows.find((row) => row.whole_rows !== null);
  return {
    attempt: first.attempt,
    chunks: new Set(found.rows.flatMap((row) => row.chunks as number[])),
    rows: total('rows'),
    bytes: total('bytes'),
    columns: first.columns,
    source: first.source ?? undefined,
    tick: safeInteger(first.tick),
    wholeRows: last === undefined ? null : safeInteger(last.whole_rows),
  };
}

/** Drops the stages of a queue's copies that no table waits for any more. */
export async function dropStrayCopyStages(client: Queryable, queue: string): Promise<void> {
  const found = await client.query(
    `SELECT substring(c.relname FROM '^copy_(\\d+)_')::bigint AS copy_id
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'millrace' AND c.relkind = 'r' AND c.relname ~ ('^copy_\\d+_' || $2 || '$')
       AND NOT EXISTS (SELECT FROM millrace.subscribed_table t WHERE t.queue = $1 AND t.state IN ('registered', 'copying')
         AND t.copy_id = substring(c.relname FROM '^copy_(\\d+)_')::bigint)`,
    [queue, suffixOf(queue)],
  );
  for (const row of found.rows) await dropCopyStage(client, queue, safeInteger(row.copy_id));
}

/** Drops all stages there are. */
export async function dropAllCopyStages(client: Queryable): Promise<void> {
  const found = await client.query(
    `SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'millrace' AND c.relkind = 'r' AND c.relname ~ '^copy_\\d+_[0-9a-f]{8}$'`,
  );
  for (const row of found.rows) await client.query(`DROP TABLE IF EXISTS millrace.${quoteIdent(row.name)}`);
}
