import { connect, type PgClient } from '@millrace/postgres';

export type Row = Record<string, unknown>;

/** One database of a test, with a session of its own that comes back after a crash of the server. */
export class Database {
  readonly url: string;
  #client: Promise<PgClient> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(url: string) {
    this.url = url;
  }

  /** A further session; the caller ends it. `settings` are SET for it. */
  async session(settings: Readonly<Record<string, string>> = {}, onLost: () => void = () => {}): Promise<PgClient> {
    const client = await connect(this.url, { applicationName: 'test', connectTimeoutMs: 10_000, onLost });
    for (const [name, value] of Object.entries(settings)) {
      await client.query('SELECT set_config($1, $2, false)', [name, value]);
    }
    return client;
  }

  /** Runs a session for the time of `work`. */
  async within<T>(work: (client: PgClient) => Promise<T>, settings: Readonly<Record<string, string>> = {}): Promise<T> {
    const client = await this.session(settings);
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Runs one statement, or several without parameters, and gives the (last) rows. */
  async rows(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    // One after the other: a session can do one thing at a time.
    const mine = this.#turn.then(() => this.#rows(sql, values));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #rows(sql: string, values: readonly unknown[]): Promise<Row[]> {
    this.#client ??= this.session({}, () => this.#forget());
    try {
      const client = await this.#client;
      const result = values.length === 0 ? await client.query(sql) : await client.query(sql, [...values]);
      const last = Array.isArray(result) ? result.at(-1) : result;
      return (last?.rows ?? []) as Row[];
    } catch (error) {
      if (!hasSqlstate(error)) this.#forget();
      throw error;
    }
  }

  async run(sql: string, values: readonly unknown[] = []): Promise<void> {
    await this.rows(sql, values);
  }

  /** The first column of the first row. */
  async value<T = string>(sql: string, values: readonly unknown[] = []): Promise<T> {
    const [row] = await this.rows(sql, values);
    if (row === undefined) throw new Error('no row');
    return Object.values(row)[0] as T;
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  #forget(): void {
    const old = this.#client;
    this.#client = undefined;
    old?.then((client) => client.end()).catch(() => {});
  }
}

/** The state a server gave with its error; undefined when the session itself failed. */
export function sqlstate(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? code : undefined;
}

function hasSqlstate(error: unknown): boolean {
  const state = sqlstate(error);
  return state !== undefined && !state.startsWith('57P') && !state.startsWith('08');
}
