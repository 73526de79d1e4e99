// Exactly once into another database: its transaction holds the handlers' work and the note that the batch is done
// (pgq_ext). It commits first, then the batch is finished at the queue. After a crash in between the batch comes again, the
// note is found, and only what was to be set aside is done again: those events are noted one by one in the same transaction.
import type pg from 'pg';
import { command, queryRows, queryValue, Session } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import type { RawEvent } from '../events/event.ts';
import * as sql from '../sql.ts';
import { BatchReader } from './batch-reader.ts';
import { finishBatch } from './batch-source.ts';
import { Savepoints } from './savepoints.ts';
import { SetAside } from './set-aside.ts';
import type { Work, WorkOptions } from './work.ts';

/** Where the handlers write, and under which name the consumer is known there. */
export interface Target {
  readonly pool: pg.Pool;
  /** consumer_id in pgq_ext. */
  readonly id: string;
}

const doing = 'noting a batch in the database written to';
const lostReason = 'set aside by a process that ended before it could say why';

export class OtherDatabaseWork implements Work {
  readonly setAside = new SetAside();
  readonly #options: WorkOptions;
  readonly #target: Target;
  readonly #reader: BatchReader;
  #session: Session | undefined;
  #savepoints: Savepoints | undefined;
  #doneBefore = false;

  constructor(options: WorkOptions, target: Target) {
    this.#options = options;
    this.#target = target;
    this.#reader = new BatchReader({ ...options, transaction: 'own' });
  }

  async *pieces(): AsyncGenerator<RawEvent[]> {
    for await (const piece of this.#reader.pieces()) {
      // A batch without events needs no transaction there.
      if (this.#session === undefined) await this.#begin();
      if (this.#doneBefore) await this.#setAsideAgain(piece);
      else yield piece;
    }
  }

  client(): pg.ClientBase {
    if (this.#savepoints === undefined) throw new Error('there is no event to handle');
    return this.#savepoints.use();
  }

  async keep(): Promise<void> {
    await this.#savepoints?.keep();
  }

  async undo(): Promise<void> {
    await this.#savepoints?.undo();
  }

  async finish(): Promise<void> {
    const { session, reader, batch } = this.#options;
    await this.#reader.close('done');
    await this.#commitTarget();
    await command(session.client, 'finishing a batch', sql.begin);
    await this.setAside.write(session.client, reader, batch);
    await finishBatch(session.client, reader, batch);
    await command(session.client, 'finishing a batch', sql.commit);
  }

  async abandon(): Promise<void> {
    await this.#session?.rollBack();
    this.#session = undefined;
    await this.#options.session.client.query(sql.rollback).catch(() => {});
  }

  /** The lock comes first, in a statement of its own: what another process has noted is then seen. */
  async #begin(): Promise<void> {
    const session = await Session.open(this.#target.pool, 'connecting to the database written to');
    this.#session = session;
    await command(session.client, doing, sql.begin);
    await queryValue(session.client, doing, sql.lockConsumer, [this.#names('').join('/')]);
    this.#doneBefore = (await queryValue(session.client, doing, sql.setBatchDone, this.#key(''))) !== 't';
    if (!this.#doneBefore) await this.#needOpen();
    this.#savepoints = new Savepoints(session.client);
  }

  /**
   * The note covers the last batch only. Until we had the lock another process may have done this batch and a later one;
   * now that we have it none can.
   */
  async #needOpen(): Promise<void> {
    const { session, reader, batch } = this.#options;
    const asking = `looking whether a batch of queue ${reader.queue} is still open`;
    const [row] = await queryRows(session.client, asking, sql.batchInfo, [batch.id]);
    if (row?.[1] != null) return;
    throw new QueueError(queueCodes.BATCH_LOST, `batch ${batch.id} of queue ${reader.queue} is not open any more`);
  }

  async #commitTarget(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const { retryIds, deadIds } = this.setAside;
    if (!this.#doneBefore) {
      if (retryIds.length > 0)
        await queryRows(session.client, doing, sql.setEventsDone, [...this.#key(':retry'), retryIds]);
      if (deadIds.length > 0)
        await queryRows(session.client, doing, sql.setEventsDone, [...this.#key(':dead'), deadIds]);
    }
    await command(session.client, 'committing to the database written to', sql.commit);
    session.giveBack();
    this.#session = undefined;
  }

  async #setAsideAgain(piece: readonly RawEvent[]): Promise<void> {
    const client = this.#session?.client;
    if (client === undefined) return;
    const ids = piece.map(({ id }) => id);
    const noted = async (suffix: string) =>
      new Set((await queryRows(client, doing, sql.eventsDone, [...this.#key(suffix), ids])).map(([id]) => id));
    const [retry, dead] = [await noted(':retry'), await noted(':dead')];
    for (const raw of piece) {
      if (retry.has(raw.id)) this.setAside.retry(raw.id, 0);
      if (dead.has(raw.id)) this.setAside.dead(raw, lostReason);
    }
  }

  #names(suffix: string): [string, string] {
    return [`${this.#target.id}${suffix}`, this.#options.reader.subconsumer ?? ''];
  }

  #key(suffix: string): unknown[] {
    return [...this.#names(suffix), this.#options.batch.id];
  }
}
