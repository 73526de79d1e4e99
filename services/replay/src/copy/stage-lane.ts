import type { TableName } from '@millrace/model';
import { type ApplySession, beginSql, commit, notePart, rollBack } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { CopyStream } from '../apply/session/copy-stream.ts';

/** Where a lane loads to, and for which copy. */
export interface LaneOf {
  readonly queue: string;
  readonly copyId: number;
  readonly target: { readonly sql: string; readonly table: TableName };
}

/** One session that loads pieces into a stage: a transaction for each few, which also notes which they were. */
export class StageLane {
  readonly #session: ApplySession;
  readonly #of: LaneOf;
  readonly #lane: CopyStream;
  #chunks: number[] = [];
  #last: CopyHeader | undefined;
  #wholeRows: number | null = null;
  #bytes = 0;

  constructor(session: ApplySession, of: LaneOf) {
    this.#session = session;
    this.#of = of;
    this.#lane = new CopyStream(session.client);
  }

  async write({ header, body }: Message<CopyHeader>): Promise<void> {
    if (this.#chunks.length === 0) {
      await this.#session.client.query(beginSql);
      await this.#lane.write(this.#of.target, Buffer.alloc(0), Number.NEGATIVE_INFINITY);
    }
    await this.#lane.write(this.#of.target, body, 0);
    this.#chunks.push(header.chunk);
    this.#bytes += body.length;
    this.#last = header;
    if (header.last) this.#wholeRows = header.rows ?? null;
  }

  /** Ends the transaction, if one is open. */
  async commit(): Promise<void> {
    const header = this.#last;
    if (this.#chunks.length === 0 || header === undefined) return;
    const { queue, copyId } = this.#of;
    const { client } = this.#session;
    const rows = (await this.#lane.end())?.rows ?? 0;
    await notePart(client, queue, copyId, {
      attempt: header.attempt,
      chunks: this.#chunks,
      rows,
      bytes: this.#bytes,
      columns: header.columns,
      source: header.source,
      tick: header.tick.tick,
      wholeRows: this.#wholeRows,
    });
    await commit(client);
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** Undoes what is not committed and ends the session. Never throws. */
  async close(): Promise<void> {
    await this.#lane.abort();
    await rollBack(this.#session.client).catch(() => {});
    await this.#session.client.end().catch(() => {});
  }
}
