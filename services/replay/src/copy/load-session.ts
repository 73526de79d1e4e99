import { disconnect } from '@millrace/postgres';
import { type ApplySession, beginSql, commit, recordPart, rollBack } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { CopyStream, type CopyTarget } from '../apply/session/copy-stream.ts';

/** Which copy is loaded, and by which COPY. */
export interface LoadSessionTarget {
  readonly queue: string;
  readonly copyId: number;
  readonly copy: CopyTarget;
}

/** One session that loads chunks into a stage. Each transaction loads a few, and records which they were. */
export class LoadSession {
  readonly #session: ApplySession;
  readonly #target: LoadSessionTarget;
  readonly #stream: CopyStream;
  #chunks: number[] = [];
  #last: CopyHeader | undefined;
  #wholeRows: number | null = null;
  #bytes = 0;

  constructor(session: ApplySession, target: LoadSessionTarget) {
    this.#session = session;
    this.#target = target;
    this.#stream = new CopyStream(session.client);
  }

  async write({ header, body }: Message<CopyHeader>): Promise<void> {
    const { copy } = this.#target;
    if (this.#chunks.length === 0) {
      await this.#session.client.query(beginSql);
      await this.#stream.write(copy, Buffer.alloc(0), Number.NEGATIVE_INFINITY);
    }
    await this.#stream.write(copy, body, 0);
    this.#chunks.push(header.chunk);
    this.#bytes += body.length;
    this.#last = header;
    if (header.last) this.#wholeRows = header.rows ?? null;
  }

  /** Ends the transaction, if one is open. */
  async commit(): Promise<void> {
    const header = this.#last;
    if (this.#chunks.length === 0 || header === undefined) return;
    const { queue, copyId } = this.#target;
    const { client } = this.#session;
    const rows = (await this.#stream.end())?.rows ?? 0;
    await recordPart(client, queue, copyId, {
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
    await this.#stream.abort();
    await rollBack(this.#session.client).catch(() => {});
    await disconnect(this.#session.client);
  }
}
