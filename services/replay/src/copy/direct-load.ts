// The short way of a copy: into an empty table, in one transaction. When it is aborted, it begins again with the first chunk.
import { failpoint } from '@millrace/lifecycle';
import { disconnect } from '@millrace/postgres';
import { type ApplySession, beginSql, commit, rollBack, type TargetTable } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import type { Layout } from '../apply/plan/layout.ts';
import { CopyStream } from '../apply/session/copy-stream.ts';
import { copyWholeSql } from '../apply/statements/table-statements.ts';
import { keepAsRead } from '../apply/target/keep-as-read.ts';
import { COPY_BEFORE_COMMIT, type CopyEnd, type Load, type LoadTarget, markLoaded, RowCountMismatch } from './load.ts';

export class DirectLoad implements Load {
  readonly #target: LoadTarget;
  readonly #session: ApplySession;
  readonly #stream: CopyStream;
  readonly #sql: string;
  readonly #table: TargetTable;
  #isOver = false;

  /** The session becomes this load's own. */
  constructor(target: LoadTarget, session: ApplySession, layout: Layout) {
    this.#target = target;
    this.#session = session;
    this.#stream = new CopyStream(session.client);
    this.#table = layout.table;
    this.#sql = copyWholeSql(
      layout.table,
      layout.columns.map(({ name }) => name),
    );
  }

  async begin(): Promise<void> {
    await this.#session.client.query(beginSql);
    await keepAsRead(this.#session.client, this.#table);
    await this.#write(Buffer.alloc(0), Number.NEGATIVE_INFINITY);
  }

  async write({ body }: Message<CopyHeader>): Promise<boolean> {
    await this.#write(body, 0);
    return true;
  }

  async complete(end: CopyEnd): Promise<number> {
    const { table } = this.#target;
    const { client } = this.#session;
    try {
      const rows = (await this.#stream.end())?.rows ?? 0;
      if (end.rows !== undefined && end.rows !== rows) throw new RowCountMismatch(this.#target);
      await markLoaded(client, this.#target, { ...end, rows });
      await failpoint(COPY_BEFORE_COMMIT);
      await commit(client);
      this.#isOver = true;
      await disconnect(client);
      return rows;
    } catch (error) {
      throw tableError(error, table);
    }
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#stream.abort();
    await rollBack(this.#session.client).catch(() => {});
    await disconnect(this.#session.client);
  }

  async #write(bytes: Buffer, lines: number): Promise<void> {
    const { table } = this.#target;
    try {
      await this.#stream.write({ sql: this.#sql, table }, bytes, lines);
    } catch (error) {
      throw tableError(error, table);
    }
  }
}
