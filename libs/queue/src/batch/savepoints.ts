// One savepoint for each event whose handler touches the database, so that what a failed handler did is undone alone.
import type pg from 'pg';
import { command } from '../database.ts';
import * as sql from '../sql.ts';

export class Savepoints {
  readonly #client: pg.ClientBase;
  #standing = false;
  #used = false;

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  /** The client, for a handler: the savepoint is on its way before the handler's first statement. */
  use(): pg.ClientBase {
    if (!this.#standing) {
      this.#standing = true;
      // Statements of one client go in order. Should this one fail, the next one does too, and is waited for.
      this.#client.query(sql.savepoint).catch(() => {});
    }
    this.#used = true;
    return this.#client;
  }

  /** Keeps what the last event's handler did; throws when a statement of its had failed and it said nothing. */
  async keep(): Promise<void> {
    if (!this.#used) return;
    await command(this.#client, 'keeping the work of a handler', sql.nextSavepoint);
    this.#used = false;
  }

  /** What was done outside of handlers stays, too: `undo` goes back no further than here. */
  async seal(): Promise<void> {
    if (this.#standing) await command(this.#client, 'keeping the work of a batch', sql.nextSavepoint);
  }

  /** Undoes it. */
  async undo(): Promise<void> {
    if (!this.#used) return;
    await command(this.#client, 'undoing the work of a handler', sql.toSavepoint);
    this.#used = false;
  }
}
