import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { codes, MillraceError } from '@millrace/errors';
import type { TableName } from '@millrace/model';
import { copyIn, type PgClient } from '@millrace/postgres';

/** A COPY and the table to name in its errors. */
export interface CopyTarget {
  readonly sql: string;
  readonly table: TableName;
}

interface OpenCopy extends CopyTarget {
  readonly stream: Writable & { rowCount?: number };
  readonly failed: Promise<never>;
  lines: number;
}

/** The one COPY that a session can have open. Bytes of the same target continue in it. */
export class CopyStream {
  readonly #client: PgClient;
  #open: OpenCopy | undefined;

  constructor(client: PgClient) {
    this.#client = client;
  }

  /** True when bytes for this COPY would continue in the open one. */
  isOpenFor(sql: string): boolean {
    return this.#open?.sql === sql;
  }

  /** The table of the open COPY. */
  get table(): TableName | undefined {
    return this.#open?.table;
  }

  /** Writes bytes that hold `lines` ends of records (-Infinity once: not known); resolves when more can be written. */
  async write(target: CopyTarget, bytes: Buffer, lines: number): Promise<void> {
    if (this.#open?.sql !== target.sql) {
      await this.end();
      this.#begin(target);
    }
    const open = this.#open;
    if (open === undefined) return;
    open.lines += lines;
    if (bytes.length === 0 || open.stream.write(bytes)) return;
    await Promise.race([once(open.stream, 'drain'), open.failed]);
  }

  /** Ends the open COPY and checks that it took as many records as were announced. */
  async end(): Promise<{ rows: number } | undefined> {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    open.stream.end();
    await Promise.race([once(open.stream, 'finish'), open.failed]);
    const rows = open.stream.rowCount ?? 0;
    if (open.lines >= 0 && rows !== open.lines) {
      throw new MillraceError(codes.BAD_MESSAGE, `a section announced ${open.lines} records and held ${rows}`);
    }
    return { rows };
  }

  /** Aborts the open COPY so that the session can roll back. Never throws. */
  async abort(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (open.stream.destroyed) return;
    const closed = once(open.stream, 'close').catch(() => {});
    open.stream.destroy(new Error('aborted'));
    await closed;
  }

  #begin(target: CopyTarget): void {
    const stream = copyIn(this.#client, target.sql) as Writable & { rowCount?: number };
    const failed = new Promise<never>((_resolve, reject) => stream.once('error', reject));
    failed.catch(() => {});
    this.#open = { ...target, stream, failed, lines: 0 };
  }
}
