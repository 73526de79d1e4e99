// What is done with one open batch, by kind of delivery. All three read through a BatchReader; they differ in which
// transaction the handler works in and how the batch is finished.
import type pg from 'pg';
import { command, type Session } from '../database.ts';
import type { RawEvent } from '../events/event.ts';
import * as sql from '../sql.ts';
import { BatchReader } from './batch-reader.ts';
import { type BatchInfo, finishBatch, type Reader } from './batch-source.ts';
import type { PieceSizer } from './piece-size.ts';
import { Savepoints } from './savepoints.ts';
import { SetAside } from './set-aside.ts';

export interface WorkOptions {
  readonly session: Session;
  readonly reader: Reader;
  readonly batch: BatchInfo;
  readonly where: string | undefined;
  readonly sizer: PieceSizer;
}

export interface Work {
  readonly setAside: SetAside;
  /** Events by ev_id; nothing when the batch was done before and is only to be finished. */
  pieces(): AsyncGenerator<RawEvent[]>;
  /** For a handler; undefined when delivery is at least once. */
  client(): pg.ClientBase | undefined;
  /** Keeps, or undoes, what the handler of the last event did in the database. */
  keep(): Promise<void>;
  undo(): Promise<void>;
  /** Everything is read and handled, or set aside. Throws BATCH_LOST, and then nothing of it holds. */
  finish(): Promise<void>;
  /** The batch will come again. Never throws. */
  abandon(): Promise<void>;
}

/** Set aside in memory before it is written, events. */
const SET_ASIDE_AT_ONCE = 500;

/** At least once: the handler works outside our transactions; a crash before `finish` gives the batch again. */
export class PlainWork implements Work {
  readonly setAside = new SetAside();
  readonly #options: WorkOptions;
  readonly #reader: BatchReader;

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#reader = new BatchReader({ ...options, transaction: 'own' });
  }

  async *pieces(): AsyncGenerator<RawEvent[]> {
    for await (const piece of this.#reader.pieces()) {
      yield piece;
      const { session, reader, batch } = this.#options;
      // In the reader's transaction while it has one: what is set aside twice is retried once.
      if (this.setAside.size >= SET_ASIDE_AT_ONCE) await this.setAside.write(session.client, reader, batch);
    }
  }

  client(): undefined {
    return undefined;
  }

  async keep(): Promise<void> {}

  async undo(): Promise<void> {}

  async finish(): Promise<void> {
    const { session, reader, batch } = this.#options;
    await this.#reader.close('done');
    if (this.setAside.size === 0) return finishBatch(session.client, reader, batch);
    await command(session.client, 'finishing a batch', sql.begin);
    await this.setAside.write(session.client, reader, batch);
    await finishBatch(session.client, reader, batch);
    await command(session.client, 'finishing a batch', sql.commit);
  }

  async abandon(): Promise<void> {
    await this.#options.session.client.query(sql.rollback).catch(() => {});
  }
}

/** Exactly once into the queue's own database: the handler's work and the end of the batch are one transaction. */
export class SameDatabaseWork implements Work {
  readonly setAside = new SetAside();
  readonly #options: WorkOptions;
  readonly #savepoints: Savepoints;
  #begun = false;

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#savepoints = new Savepoints(options.session.client);
  }

  async *pieces(): AsyncGenerator<RawEvent[]> {
    const { session, reader, batch } = this.#options;
    await this.#begin();
    for await (const piece of new BatchReader({ ...this.#options, transaction: 'caller' }).pieces()) {
      yield piece;
      if (this.setAside.size < SET_ASIDE_AT_ONCE) continue;
      await this.setAside.write(session.client, reader, batch);
      await this.#savepoints.seal();
    }
  }

  client(): pg.ClientBase {
    return this.#savepoints.use();
  }

  keep(): Promise<void> {
    return this.#savepoints.keep();
  }

  undo(): Promise<void> {
    return this.#savepoints.undo();
  }

  async finish(): Promise<void> {
    const { session, reader, batch } = this.#options;
    await this.#begin();
    await this.setAside.write(session.client, reader, batch);
    await finishBatch(session.client, reader, batch);
    await command(session.client, 'committing a batch', sql.commit);
  }

  async abandon(): Promise<void> {
    await this.#options.session.client.query(sql.rollback).catch(() => {});
  }

  async #begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    await command(this.#options.session.client, 'beginning a batch', sql.beginReading);
  }
}
