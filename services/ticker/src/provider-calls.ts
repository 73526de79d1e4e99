// The ticker's calls to the provider's schema: arguments, results and error codes.
import { hostname } from 'node:os';
import { codes, MillraceError, type Verdict } from '@millrace/errors';
import { safeInteger, tableLabel } from '@millrace/model';
import { databaseError, sqlstateOf, type PgClient } from '@millrace/postgres';
import type { TriggerFinding } from './rotation-loop.ts';
import type { MadeTick } from './tick-loop.ts';

type TickRow = { tick: string; fingerprint: string; new_events: string };

/** Makes the tick that is due at `queue`, or gives undefined. One round trip, outside a transaction block. */
export async function makeTick(client: PgClient, queue: string): Promise<MadeTick | undefined> {
  const text = 'SELECT tick, fingerprint, new_events FROM millrace.tick($1)';
  // A named statement is parsed and planned once for the session: this is asked ten to a hundred times a second.
  const statement = { name: 'millrace_tick', text, values: [queue] };
  const [row] = await asked('making a tick', async () => (await client.query<TickRow>(statement)).rows);
  return row && { tick: safeInteger(row.tick), fingerprint: row.fingerprint, newEvents: safeInteger(row.new_events) };
}

/** Runs what is due, each step in a transaction of its own and again while it asks for it. Returns the number of steps. */
export async function runDueMaintenance(client: PgClient): Promise<number> {
  const list = 'SELECT func_name, func_arg FROM pgq.maint_operations()';
  const due = await asked('reading the maintenance list', async () =>
    (await client.query<{ func_name: string; func_arg: string | null }>(list)).rows,
  );
  let steps = 0;
  for (const { func_name, func_arg } of due) {
    // The names come from the schema's own list, already fit to stand in a statement.
    const isVacuum = func_name.toLowerCase() === 'vacuum';
    const step = isVacuum
      ? { text: `VACUUM ${func_arg ?? ''}` }
      : { text: `SELECT ${func_name}(${func_arg === null ? '' : '$1'}) AS more`, values: func_arg === null ? [] : [func_arg] };
    let isDone = false;
    while (!isDone) {
      const { rows } = await asked(`running ${func_name}`, () => client.query<{ more: unknown }>(step));
      isDone = isVacuum || Number(rows[0]?.more ?? 0) !== 1;
      steps += 1;
    }
  }
  return steps + (await moveRetries(client));
}

/** Makes drifted capture code anew and finds what no trigger can capture. */
export async function refreshTriggers(client: PgClient, queue: string): Promise<TriggerFinding[]> {
  type Row = { schema_name: string; table_name: string; action: string | null; problem: string | null };
  const text = 'SELECT schema_name, table_name, action, problem FROM millrace.refresh_triggers($1)';
  const rows = await asked('looking after the capture triggers', async () => (await client.query<Row>(text, [queue])).rows);
  return rows.map(({ schema_name, table_name, action, problem }) => ({
    table: tableLabel({ schema: schema_name, name: table_name }),
    action: action ?? 'none',
    problem: problem ?? undefined,
  }));
}

/** Writes how the ticker of `queue` fares, where admin reads it. Only the leader calls. */
export async function reportTicker(client: PgClient, queue: string, fault: Verdict | undefined): Promise<void> {
  const text = `INSERT INTO millrace.service_report AS r (queue, service, instance, state, error_code, error_message, reported_at)
    VALUES ($1, 'ticker', $2, $3, $4, $5, now())
    ON CONFLICT (queue, service) DO UPDATE SET instance = excluded.instance, state = excluded.state,
      error_code = excluded.error_code, error_message = excluded.error_message, reported_at = excluded.reported_at`;
  const state = fault === undefined ? 'running' : 'stopped';
  const values = [queue, `${hostname()}:${process.pid}`, state, fault?.code ?? null, fault?.sentence ?? null];
  await asked('reporting the state of the ticker', () => client.query(text, values));
}

async function moveRetries(client: PgClient): Promise<number> {
  for (let passes = 0; passes < 1_000; passes++) {
    const { rows } = await asked('moving retries', () => client.query<{ moved: number }>('SELECT pgq.maint_retry_events() AS moved'));
    if (Number(rows[0]?.moved ?? 0) === 0) return passes;
  }
  return 1_000;
}

// undefined_function, invalid_schema_name, undefined_table
const NOT_INSTALLED = new Set(['42883', '3F000', '42P01']);

async function asked<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const sqlstate = sqlstateOf(error);
    if (sqlstate !== undefined && NOT_INSTALLED.has(sqlstate)) {
      throw new MillraceError(codes.NOT_INSTALLED, `${doing}: the schema of Millrace is missing at the provider, or older than this program`, {
        advice: 'run `millrace install`',
        cause: error,
        sqlstate,
      });
    }
    throw databaseError(error, doing);
  }
}
