import { codes, MillraceError } from '@millrace/errors';
import { connect, databaseError, pinSettings, type PgClient, sqlstateOf } from '@millrace/postgres';

/** A session that applies changes. */
export interface ApplySession {
  readonly client: PgClient;
  /** False: foreign keys and triggers are on, because the role may not turn them off. */
  readonly replica: boolean;
  readonly lost: Promise<unknown>;
}

/** Beside what both ends pin: nothing of the role's or database's own settings may change what we do. */
const ownSettings: Readonly<Record<string, string>> = {
  synchronous_commit: 'on',
  row_security: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '15s',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  work_mem: '64MB',
  temp_buffers: '32MB',
};

/** What suits plans that are made once and kept while tables grow: always by the key's index. */
export const fewRowsPlans = "SELECT set_config(n, 'off', false) FROM unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) n";

/** What suits one large set, until the end of the transaction. */
export const manyRowsPlans = "SELECT set_config(n, 'on', true) FROM unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) n";

/** Opens a session for applying. Throws DATABASE_UNREACHABLE and the like. */
export async function openApplySession(url: string, applicationName: string): Promise<ApplySession> {
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const client = await connect(url, { applicationName, onLost: resolve });
  client.once('end', resolve);
  try {
    await pinSettings(client);
    await client.query('SELECT set_config(n, v, false) FROM unnest($1::text[], $2::text[]) AS s(n, v)', [
      Object.keys(ownSettings),
      Object.values(ownSettings),
    ]);
    await client.query(fewRowsPlans);
    return { client, replica: await becomeReplica(client), lost };
  } catch (error) {
    await client.end().catch(() => {});
    throw databaseError(error, 'opening a session of replay');
  }
}

const goodbyeMs = 1000;

/** Ends a session; when the other side does not answer, the socket is dropped. Never throws; safe to call twice. */
export async function closeSession(client: PgClient): Promise<void> {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
  const timer = setTimeout(() => connection?.stream?.destroy(), goodbyeMs);
  const dropped = new Promise<void>((resolve) => setTimeout(resolve, goodbyeMs + 50).unref());
  await Promise.race([client.end().catch(() => {}), dropped]);
  clearTimeout(timer);
}

/** The sentence for an operator whose replay may not turn foreign keys off. */
export const replicaAdvice =
  'the replay role may not set session_replication_role: foreign keys and triggers stay on and tables are applied in ' +
  'foreign-key order, slower and not for every change; GRANT SET ON PARAMETER session_replication_role TO the role ' +
  '(PostgreSQL 15 and later) or use a superuser';

async function becomeReplica(client: PgClient): Promise<boolean> {
  try {
    await client.query('SET session_replication_role = replica');
    return true;
  } catch (error) {
    if (sqlstateOf(error) === '42501') return false;
    throw error;
  }
}

/** Runs several statements in one go: they are sent without waiting for each other's answers. */
export class Pipeline {
  readonly #client: PgClient & { pipeline?: boolean };
  readonly #running: { result: Promise<unknown>; then: (rows: { rowCount: number | null; rows: never[] }) => void }[] = [];

  constructor(client: PgClient) {
    this.#client = client;
  }

  /** Sends a statement; `then` judges its answer, `wrap` gives an error its name. */
  send(
    query: { readonly name?: string; readonly text: string; readonly values?: unknown[] },
    { then = () => {}, wrap = (error) => error }: { then?: (result: { rowCount: number | null; rows: never[] }) => void; wrap?: (error: unknown) => unknown } = {},
  ): void {
    this.#client.pipeline = true;
    const result: Promise<unknown> = (this.#client.query({ ...query }) as Promise<unknown>).catch((error: unknown) => {
      throw wrap(error);
    });
    // Judged in order in `settle`; until then nobody else may complain of it.
    result.catch(() => {});
    this.#running.push({ result, then: then as never });
  }

  /** Waits until the session is free again, whatever the answers are. For the way back after an error. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#running.splice(0).map((one) => one.result));
    this.#client.pipeline = false;
  }

  /** Waits for all answers and judges them in order; throws the first thing that is wrong. */
  async settle(): Promise<void> {
    const running = this.#running.splice(0);
    const answers = await Promise.allSettled(running.map((one) => one.result));
    this.#client.pipeline = false;
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'rejected') throw answer.reason;
      running[at]?.then(answer.value as never);
    }
  }
}

/** Ends an open transaction however things stand; throws DATABASE_UNREACHABLE when the session is gone. */
export async function rollBack(client: PgClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
  } catch (error) {
    throw new MillraceError(codes.DATABASE_UNREACHABLE, 'the session was lost inside a transaction', { cause: error });
  }
}
