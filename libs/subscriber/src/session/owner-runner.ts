// Statements on a table whose owner may have put code on it run as that owner, behind a barrier. The reason for each part is in
// docs/decisions/0016-statements-run-as-the-owner-of-the-table.md.
import { codes, MillraceError } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import type { PgClient, Queryable } from '@millrace/postgres';
import type { TargetTable } from '../checks/catalog.ts';
import { ownerCodeRuns } from './owner-code.ts';

/** A session, and the statements that set its settings again after code of others ran in it. */
export interface PinnedSession {
  readonly client: PgClient;
  readonly pins: string;
}

/** Runs statements on one table, with the rights that its code may have. */
export interface TableRunner {
  /** Resolves to the number of rows that the statement wrote or found. */
  run(sql: string): Promise<number>;
  /** Resolves to the first row of what the statement gives. */
  row(sql: string): Promise<Record<string, unknown>>;
}

/** The statement is text, so that one function serves all: what it runs is planned for its rows anyway. */
const body = `DECLARE r record; n bigint; BEGIN
  IF gives THEN EXECUTE statement INTO r; RETURN pg_catalog.row_to_json(r)::text; END IF;
  EXECUTE statement; GET DIAGNOSTICS n = ROW_COUNT; RETURN n::text; END`;

export function tableRunner(session: PinnedSession, table: TargetTable): TableRunner {
  const { client } = session;
  const { owner } = table;
  if (owner.actAs) {
    const call = (sql: string, gives: boolean) => callAsOwner(session, table, sql, gives);
    return {
      run: async (sql) => Number(await call(sql, false)),
      row: async (sql) => JSON.parse((await call(sql, true)) ?? '{}'),
    };
  }
  return {
    run: async (sql) => (await client.query(sql)).rowCount ?? 0,
    row: async (sql) => (await client.query(sql)).rows[0] ?? {},
  };
}

/** Lets the owner of a table read objects of this session that a statement on the table names. */
export async function grantToOwner(
  client: Queryable,
  { owner }: TargetTable,
  privileges: 'SELECT' | 'SELECT, INSERT',
  objects: string,
): Promise<void> {
  if (owner.actAs) await client.query(`GRANT ${privileges} ON ${objects} TO ${owner.name}`);
}

/**
 * A function that is SECURITY DEFINER of the owner: within it no statement can go back to this session's role. It lies in the
 * session's temporary schema, where no other session can change it.
 */
async function makeFunction(client: Queryable, { owner }: TargetTable): Promise<void> {
  const name = functionOf(owner.oid);
  const made = await client.query('SELECT to_regprocedure($1) IS NOT NULL AS yes', [`${name}(text, boolean)`]);
  if (made.rows[0]?.yes === true) return;
  await client.query(`SET LOCAL ROLE ${owner.name}`);
  await client.query(`CREATE FUNCTION ${name}(statement text, gives boolean) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    AS $millrace$${body}$millrace$;
    REVOKE ALL ON FUNCTION ${name}(text, boolean) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION ${name}(text, boolean) TO SESSION_USER;
    RESET ROLE;
    CREATE TEMP TABLE IF NOT EXISTS millrace_intact ()`);
}

async function callAsOwner(
  session: PinnedSession,
  table: TargetTable,
  sql: string,
  gives: boolean,
): Promise<string | undefined> {
  const { client } = session;
  await makeFunction(client, table);
  ownerCodeRuns(client);
  // One message: between its parts nothing of ours runs under what the owner's code may have set.
  const text = `${callSql(client, table, sql, gives)}; ${session.pins}; ${intactSql}`;
  const answers = (await client.query(text)) as unknown as { readonly rows: Record<string, unknown>[] }[];
  const [called] = answers;
  const left = String(answers.at(-1)?.rows[0]?.['left_behind'] ?? '');
  if (called?.rows.length !== 1) throw refused(table, 'changed the function that runs it');
  if (left !== '') throw refused(table, `left ${left} in the session of replay`);
  return (called.rows[0]?.['result'] as string | null) ?? undefined;
}

/** Gives no row when the function is not the one that `makeFunction` made. */
function callSql(client: PgClient, { owner }: TargetTable, sql: string, gives: boolean): string {
  const name = functionOf(owner.oid);
  const literal = (value: string) => client.escapeLiteral(value);
  return `SELECT ${name}(${literal(sql)}, ${gives}) AS result FROM pg_catalog.pg_proc p
    WHERE p.oid = ${literal(`${name}(text, boolean)`)}::pg_catalog.regprocedure AND p.prosecdef AND p.proowner = ${owner.oid}
      AND p.prosrc = ${literal(body)} AND p.proconfig IS NULL
      AND p.prolang = (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname = 'plpgsql')`;
}

/** What would run later with the rights of this session; from 18 on deferred triggers run as who caused them. */
const intactSql = `SELECT concat_ws(' and ',
    CASE WHEN EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql) THEN 'prepared statements' END,
    CASE WHEN EXISTS (SELECT FROM pg_cursors WHERE is_holdable) THEN 'cursors' END,
    CASE WHEN NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('pg_temp.millrace_intact')
      AND pg_get_userbyid(c.relowner) = current_user) THEN 'other temporary tables' END,
    CASE WHEN current_setting('server_version_num')::int < 180000 AND EXISTS (
      SELECT FROM pg_trigger g LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint LEFT JOIN pg_index i ON i.indexrelid = k.conindid
      WHERE g.tgdeferrable AND g.tgenabled <> 'D' AND (NOT g.tgisinternal OR k.contype = 'x' AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
        AND g.tgrelid IN (SELECT l.relation FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.mode IN ('RowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')))
      THEN 'deferrable triggers, which before PostgreSQL 18 run with the rights of replay,' END) AS left_behind`;

function functionOf(ownerOid: string): string {
  return `pg_temp.millrace_as_${ownerOid}`;
}

function refused(table: TargetTable, what: string): MillraceError {
  return new MillraceError(
    codes.SUBSCRIBER_SCHEMA,
    `code on table ${tableLabel(table)} ${what}: ${table.owner.code.join(', ')}`,
    { advice: `correct it, or drop it; replay then continues automatically` },
  );
}
