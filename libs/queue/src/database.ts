// Sessions of the `pg` driver: the caller's, or one taken out of the caller's pool.
import type pg from 'pg';
import { asQueueError, QueueError, queueCodes } from './errors.ts';
import * as sql from './sql.ts';

/** What runs single queries: a client, one inside the caller's transaction, or a pool. */
export type Queryable = Pick<pg.ClientBase, 'query'> | Pick<pg.Pool, 'query'>;

/** Where a consumer takes its session from. Only a pool lets it go on after a lost connection. */
export type Database = pg.Pool | pg.Client;

/** A row in the order of its columns, everything as the server wrote it. */
export type TextRow = (string | null)[];

const asText = { getTypeParser: () => (value: string) => value } as pg.CustomTypesConfig;

/** Runs one statement; throws a QueueError that says what was being done. */
export async function queryRows(
  client: Queryable,
  doing: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<TextRow[]> {
  const config = { text, values: [...values], rowMode: 'array' as const, types: asText };
  try {
    // A pool and a client have the same call; TypeScript cannot choose among the overloads of both.
    const result = await (client as pg.ClientBase).query<TextRow>(config);
    return result.rows;
  } catch (error) {
    throw asQueueError(error, doing);
  }
}

/** The first column of the first row. */
export async function queryValue(
  client: Queryable,
  doing: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<string | null> {
  return (await queryRows(client, doing, text, values))[0]?.[0] ?? null;
}

/** Statements without parameters, more than one in a round trip. */
export async function command(client: Queryable, doing: string, text: string): Promise<void> {
  try {
    await (client as pg.ClientBase).query(text);
  } catch (error) {
    throw asQueueError(error, doing);
  }
}

export function isPool(database: Database): database is pg.Pool {
  return typeof (database as { totalCount?: unknown }).totalCount === 'number';
}

/** Runs `work` in a transaction of its own on a session of the pool, or on the client, which must not be inside one. */
export async function inTransaction<T>(
  database: Database,
  doing: string,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const session = await Session.open(database, doing);
  try {
    await command(session.client, doing, sql.beginReading);
    const result = await work(session.client);
    await command(session.client, doing, sql.commit);
    session.giveBack();
    return result;
  } catch (error) {
    await session.rollBack();
    throw error;
  }
}

/** One session for a while. */
export class Session {
  readonly client: pg.ClientBase;
  readonly #release: ((destroy: boolean) => void) | undefined;
  readonly #onNotification = new Set<() => void>();
  readonly #notified = () => {
    for (const listener of this.#onNotification) listener();
  };
  readonly #lose = (error: Error) => {
    this.lost ??= error;
    this.#notified();
  };
  /** Why the session is over, once it is. */
  lost: Error | undefined;

  private constructor(client: pg.ClientBase, release: ((destroy: boolean) => void) | undefined) {
    this.client = client;
    this.#release = release;
    client.on('error', this.#lose);
    client.on('notification', this.#notified);
  }

  /** A client that was given is connected already. Throws CONNECTION_LOST, PERMISSION. */
  static async open(database: Database, doing: string): Promise<Session> {
    if (!isPool(database)) return new Session(database, undefined);
    try {
      const client = await database.connect();
      return new Session(client, (destroy) => client.release(destroy));
    } catch (error) {
      throw asQueueError(error, doing);
    }
  }

  /** Whether the session is the caller's own: then a lost connection ends the work. */
  get borrowed(): boolean {
    return this.#release === undefined;
  }

  /** Calls back on every notification, and when the session is lost. */
  onNotification(listener: () => void): () => void {
    this.#onNotification.add(listener);
    return () => this.#onNotification.delete(listener);
  }

  /** Throws CONNECTION_LOST when the session is over. */
  check(): void {
    if (this.lost === undefined) return;
    throw new QueueError(queueCodes.CONNECTION_LOST, `the session has ended: ${this.lost.message}`, {
      cause: this.lost,
    });
  }

  /** Ends whatever transaction is open; a session that cannot is not used again. */
  async rollBack(): Promise<void> {
    const failed = await this.client.query(sql.rollback).then(
      () => false,
      () => true,
    );
    if (failed) this.discard();
    else this.giveBack();
  }

  /** Back to the pool as it was. */
  giveBack(): void {
    this.#leave(this.lost !== undefined);
  }

  /** Closes a pool's session, and with it its locks and what it listens to. */
  discard(): void {
    this.#leave(true);
  }

  #left = false;

  #leave(destroy: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.client.off('error', this.#lose);
    this.client.off('notification', this.#notified);
    // The pool listens for errors of its idle clients; one that is being closed may still say so.
    if (destroy) this.client.on('error', () => {});
    this.#release?.(destroy);
  }
}
