// An open batch's events, in pieces: pgq.get_batch_cursor and FETCH inside one transaction.

import type { Session } from '../database.ts';
import { command, queryRows } from '../database.ts';
import { type RawEvent, rawEvent, sizeOf } from '../events/event.ts';
import * as sql from '../sql.ts';
import type { BatchInfo } from './batch-source.ts';
import type { PieceSizer } from './piece-size.ts';

export interface ReaderOptions {
  readonly session: Session;
  readonly batch: BatchInfo;
  /** SQL condition on the event columns, or undefined for all. */
  readonly where: string | undefined;
  readonly sizer: PieceSizer;
  /**
   * own: the reader's transaction ends as soon as the last event is fetched, so that a batch that fits one piece is worked
   * on without any. caller: the caller has begun one and ends it.
   */
  readonly transaction: 'own' | 'caller';
}

export class BatchReader {
  readonly #options: ReaderOptions;
  #open = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Pieces by ev_id, none of them empty. */
  async *pieces(): AsyncGenerator<RawEvent[]> {
    const { sizer } = this.#options;
    let wanted = sizer.next;
    let piece = await this.#first(wanted);
    for (;;) {
      if (piece.length < wanted) await this.close('done');
      if (piece.length === 0) return;
      sizer.saw(sizes(piece));
      yield piece;
      if (piece.length < wanted) return;
      wanted = sizer.next;
      piece = await this.#fetch(wanted);
    }
  }

  /** Ends the reader's own transaction, if it is open. */
  async close(how: 'done' | 'abandoned'): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await command(this.#options.session.client, 'reading a batch', how === 'done' ? sql.commit : sql.rollback);
  }

  async #first(wanted: number): Promise<RawEvent[]> {
    const { session, batch, where, transaction } = this.#options;
    if (transaction === 'own') {
      await command(session.client, 'reading a batch', sql.beginReading);
      this.#open = true;
    }
    const text = where === undefined ? sql.openCursor : sql.openFilteredCursor;
    const values = [batch.id, wanted, ...(where === undefined ? [] : [where])];
    const rows = await queryRows(session.client, 'reading a batch', text, values);
    return rows.map(rawEvent);
  }

  async #fetch(wanted: number): Promise<RawEvent[]> {
    const rows = await queryRows(this.#options.session.client, 'reading a batch', sql.fetchEvents(wanted));
    return rows.map(rawEvent);
  }
}

function* sizes(piece: readonly RawEvent[]): Generator<number> {
  for (const raw of piece) yield sizeOf(raw);
}
