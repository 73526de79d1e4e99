// Dead letters live in a queue of their own, `NAME.dead`, under a consumer that holds them: what is listed is its open end,
// and what is put back or dropped is one batch that is finished, with the rest of it sent again.
import type pg from 'pg';
import { deadQueueOf, type LetterNote } from '../batch/set-aside.ts';
import { type Database, inTransaction, queryRows, queryValue } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import { isoDate, type RawEvent, rawEvent } from '../events/event.ts';
import * as sql from '../sql.ts';
import { letterConsumer } from './queue-admin.ts';

/** An event that a consumer has set aside. */
export interface DeadLetter {
  /** The event's id in its own queue. */
  readonly id: bigint;
  readonly consumer: string;
  readonly reason: string;
  /** At which attempt it was set aside. */
  readonly attempt: number;
  /** When the event was put into its queue. */
  readonly time: Date;
  /** When it was set aside. */
  readonly diedAt: Date;
  readonly type: string | null;
  /** ev_data as it was. */
  readonly data: string | null;
  readonly extra: RawEvent['extra'];
}

/** Which letters; left out: all. */
export type Choice =
  | { readonly ids?: readonly (bigint | number | string)[]; readonly consumer?: string }
  | ((letter: DeadLetter) => boolean);

interface Letter extends DeadLetter {
  readonly raw: RawEvent;
  readonly note: LetterNote;
}

const pieceEvents = 500;

export class DeadLetters {
  readonly #queue: string;
  readonly #dead: string;
  readonly #database: Database;

  constructor(queue: string, database: Database) {
    this.#queue = queue;
    this.#dead = deadQueueOf(queue);
    this.#database = database;
  }

  /** The oldest letters, at most `limit` (default 100). What was set aside after the last tick is not among them yet. */
  list({
    limit = 100,
    choose = {},
  }: {
    readonly limit?: number;
    readonly choose?: Choice;
  } = {}): Promise<DeadLetter[]> {
    const wanted = predicate(choose);
    const found: DeadLetter[] = [];
    return this.#transaction(async (client) => {
      for await (const letter of this.#letters(client)) {
        if (!wanted(letter)) continue;
        const { raw: _raw, note: _note, ...shown } = letter;
        found.push(shown);
        if (found.length >= limit) break;
      }
      // Only listed: the batch must not stay open.
      throw new Seen(found);
    });
  }

  /** Gives letters back to their consumers as if they came for the first time; gives how many. Needs pgq_admin. */
  putBack(choose: Choice = {}): Promise<number> {
    // An event may have died twice, where its consumer's process ended before its batch did.
    const back = new Set<string>();
    return this.#settle(choose, async (client, { raw, note, consumer, id }) => {
      const key = JSON.stringify([consumer, String(id)]);
      if (back.has(key)) return;
      back.add(key);
      const values = [this.#queue, consumer, id, note.time, raw.type, raw.data, ...note.extra];
      await queryRows(client, `putting an event of queue ${this.#queue} back`, sql.putBackEvent, values);
    });
  }

  /** Forgets letters; gives how many. */
  drop(choose: Choice): Promise<number> {
    return this.#settle(choose, async () => {});
  }

  #settle(choose: Choice, settle: (client: pg.ClientBase, letter: Letter) => Promise<void>): Promise<number> {
    const wanted = predicate(choose);
    return this.#transaction(async (client) => {
      let settled = 0;
      let kept: Letter[] = [];
      const keep = async () => {
        if (kept.length > 0) await queryRows(client, 'keeping dead letters', sql.insertEvents, again(this.#dead, kept));
        kept = [];
      };
      for await (const letter of this.#letters(client)) {
        if (wanted(letter)) {
          await settle(client, letter);
          settled += 1;
        } else if (kept.push(letter) >= pieceEvents) await keep();
      }
      if (settled === 0) throw new Seen(0);
      await keep();
      await this.#finish(client);
      return settled;
    });
  }

  #batch: string | null = null;

  async *#letters(client: pg.ClientBase): AsyncGenerator<Letter> {
    const doing = `reading the dead letters of queue ${this.#queue}`;
    // Registered by queue.create; here for a queue of dead letters that somebody has made by hand.
    await queryRows(client, doing, sql.register, [this.#dead, letterConsumer]);
    this.#batch = await queryValue(client, doing, sql.wholeBatch, [this.#dead, letterConsumer]);
    if (this.#batch === null) return;
    let rows = await queryRows(client, doing, sql.openCursor, [this.#batch, pieceEvents]);
    while (rows.length > 0) {
      for (const row of rows) yield toLetter(rawEvent(row));
      rows = rows.length < pieceEvents ? [] : await queryRows(client, doing, sql.fetchEvents(pieceEvents));
    }
  }

  async #finish(client: pg.ClientBase): Promise<void> {
    if ((await queryValue(client, 'finishing dead letters', sql.finishBatch, [this.#batch])) === '1') return;
    throw new QueueError(
      queueCodes.BATCH_LOST,
      `another session has settled the dead letters of queue ${this.#queue} meanwhile`,
    );
  }

  async #transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    try {
      return await inTransaction(this.#database, `dead letters of queue ${this.#queue}`, work);
    } catch (error) {
      if (error instanceof Seen) return error.result as T;
      throw error;
    }
  }
}

/** Carries what was read out of a transaction that is to be rolled back. */
class Seen extends Error {
  readonly result: unknown;

  constructor(result: unknown) {
    super('nothing to be changed');
    this.result = result;
  }
}

function predicate(choose: Choice): (letter: DeadLetter) => boolean {
  if (typeof choose === 'function') return choose;
  const ids = choose.ids === undefined ? undefined : new Set(choose.ids.map(String));
  return ({ id, consumer }) =>
    (ids === undefined || ids.has(String(id))) && (choose.consumer === undefined || choose.consumer === consumer);
}

function toLetter(raw: RawEvent): Letter {
  const [reason, id, json] = raw.extra;
  const note = JSON.parse(json ?? '{}') as LetterNote;
  return {
    id: BigInt(id ?? 0),
    consumer: note.consumer,
    reason: reason ?? '',
    attempt: note.attempt,
    time: isoDate(note.time),
    diedAt: isoDate(raw.time),
    type: raw.type,
    data: raw.data,
    extra: note.extra,
    raw,
    note,
  };
}

function again(queue: string, letters: readonly Letter[]): unknown[] {
  const extras = [0, 1, 2, 3].map((n) => letters.map(({ raw }) => raw.extra[n] ?? null));
  return [queue, letters.map(({ raw }) => raw.type), letters.map(({ raw }) => raw.data), ...extras];
}
