import type { PgClient } from '@millrace/postgres';
import { pinSettings } from '@millrace/postgres';
import type { Database } from './database.ts';
import { pause } from './pause.ts';

/** Ways to be wrong on purpose. */
export type Mutation =
  | 'none'
  /** Commits between the tables. */
  | 'torn'
  /** Leaves out one row of the log for ever. */
  | 'skips'
  /** Applies an old state again before the new one. */
  | 'again'
  /** Reads values under the session's settings instead of pinned ones. */
  | 'unpinned'
  /** Reads what is not committed in one snapshot. */
  | 'many snapshots';

const keys: Readonly<Record<string, readonly string[]>> = {
  group_a: ['txno', 'k'],
  group_b: ['txno', 'k'],
  group_c: ['txno', 'k'],
  transfer: ['txno'],
  counter: ['name'],
};

/**
 * The simplest replicator that is right: it reads the whole provider in one snapshot and makes the subscriber the same
 * in one transaction. The oracle is tried on it, and on it with a planted mistake, before it may judge anything else.
 */
export class SnapshotCopier {
  readonly #provider: Database;
  readonly #subscriber: Database;
  readonly #mutation: Mutation;
  readonly #states: ReadonlyMap<string, readonly string[]>[] = [];

  constructor(provider: Database, subscriber: Database, mutation: Mutation = 'none') {
    this.#provider = provider;
    this.#subscriber = subscriber;
    this.#mutation = mutation;
  }

  /** One round: the subscriber becomes what the provider is now. */
  async copy(tables: readonly string[], sequences: readonly string[]): Promise<void> {
    const state = await this.#read(tables);
    const numbers = await this.#sequences(sequences);
    const old = this.#states.at(-5);
    if (this.#mutation === 'again' && old !== undefined) {
      await this.#within((client) => this.#write(client, 'account', old.get('account') ?? []));
    }
    this.#states.push(state);
    await this.#within(async (client) => {
      for (const [table, rows] of state) {
        await this.#write(client, table, rows);
        if (this.#mutation === 'torn') await client.query('COMMIT; BEGIN');
      }
      for (const [name, [last, called]] of numbers) {
        await client.query('SELECT setval($1, $2, $3)', [`public.${name}`, last, called]);
      }
    });
  }

  async #read(tables: readonly string[]): Promise<Map<string, string[]>> {
    return this.#provider.within(async (client) => {
      if (this.#mutation === 'unpinned') {
        await client.query("SET DateStyle = 'SQL, DMY'; SET extra_float_digits = -3");
      } else await pinSettings(client);
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const state = new Map<string, string[]>();
      for (const table of tables) {
        if (this.#mutation === 'many snapshots') {
          await client.query('COMMIT');
          await pause(30);
          await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        }
        const where = this.#mutation === 'skips' && table === 'log' ? 'WHERE txno % 100 <> 17' : '';
        const result = await client.query(`SELECT t::text AS line FROM public.${table} t ${where}`);
        state.set(
          table,
          (result.rows as { line: string }[]).map((row) => row.line),
        );
      }
      await client.query('COMMIT');
      return state;
    });
  }

  async #sequences(names: readonly string[]): Promise<Map<string, [string, boolean]>> {
    const found = new Map<string, [string, boolean]>();
    for (const name of names) {
      const [row] = await this.#provider.rows(`SELECT last_value::text, is_called FROM public.${name}`);
      found.set(name, [String(row?.['last_value']), row?.['is_called'] === true]);
    }
    return found;
  }

  async #within(work: (client: PgClient) => Promise<void>): Promise<void> {
    await this.#subscriber.within(async (client) => {
      if (this.#mutation !== 'unpinned') await pinSettings(client);
      await client.query('SET session_replication_role = replica; BEGIN');
      await work(client);
      await client.query('COMMIT');
    });
  }

  async #write(client: PgClient, table: string, lines: readonly string[]): Promise<void> {
    const key = keys[table] ?? ['id'];
    const same = key.map((column) => `old.${column} = new.${column}`).join(' AND ');
    const incoming = `SELECT (line::public.${table}).* FROM unnest($1::text[]) AS line`;
    const rows = `(${incoming}) AS new`;
    await client.query(`DELETE FROM public.${table} old WHERE NOT EXISTS (SELECT FROM ${rows} WHERE ${same})`, [lines]);
    // A unique value may wander between rows, so changed rows leave before they come; accounts and log must be updated.
    const result = await client.query(
      `SELECT attname::text AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [`public.${table}`],
    );
    const columns = (result.rows as { name: string }[]).map((row) => row.name);
    const changed = `${same} AND old::text <> new::text`;
    if (table === 'account') {
      const sets = columns.map((column) => `${column} = new.${column}`).join(', ');
      await client.query(`UPDATE public.${table} old SET ${sets} FROM ${rows} WHERE ${changed}`, [lines]);
    } else {
      const text = `(${incoming.replace('SELECT (line', 'SELECT line AS whole, (line')}) AS new`;
      await client.query(`DELETE FROM public.${table} old USING ${text} WHERE ${same} AND old::text <> new.whole`, [
        lines,
      ]);
    }
    await client.query(
      `INSERT INTO public.${table} SELECT ${columns.map((column) => `new.${column}`).join(', ')}
       FROM ${rows} WHERE NOT EXISTS (SELECT FROM public.${table} old WHERE ${same})`,
      [lines],
    );
  }
}
