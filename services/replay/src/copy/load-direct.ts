// The short way of a copy: into an empty table, in one transaction. Broken off, it begins again with the first piece.
import { failpoint } from '@millrace/lifecycle';
import { type ApplySession, beginSql, commit, rollBack } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import { CopyStream } from '../apply/session/copy-stream.ts';
import { copyWholeSql } from '../apply/statements/table-statements.ts';
import type { Layout } from '../apply/target/layout.ts';
import { COPY_BEFORE_COMMIT, type Load, type LoadEnd, type LoadOf, loaded, wrongCount } from './load.ts';

export class DirectLoad implements Load {
  readonly #of: LoadOf;
  readonly #session: ApplySession;
  readonly #lane: CopyStream;
  readonly #sql: string;
  #over = false;

  /** The session becomes this load's own. */
  constructor(of: LoadOf, session: ApplySession, layout: Layout) {
    this.#of = of;
    this.#session = session;
    this.#lane = new CopyStream(session.client);
    this.#sql = copyWholeSql(
      layout.table,
      layout.columns.map(({ name }) => name),
    );
  }

  async begin(): Promise<void> {
    await this.#session.client.query(beginSql);
    await this.#write(Buffer.alloc(0), Number.NEGATIVE_INFINITY);
  }

  async write({ body }: Message<CopyHeader>): Promise<boolean> {
    await this.#write(body, 0);
    return true;
  }

  async complete(end: LoadEnd): Promise<number> {
    const { table } = this.#of;
    const { client } = this.#session;
    try {
      const rows = (await this.#lane.end())?.rows ?? 0;
      if (end.rows !== undefined && end.rows !== rows) throw wrongCount(this.#of);
      await loaded(client, this.#of, { ...end, rows });
      await failpoint(COPY_BEFORE_COMMIT);
      await commit(client);
      this.#over = true;
      await client.end().catch(() => {});
      return rows;
    } catch (error) {
      throw tableError(error, table);
    }
  }

  async breakOff(): Promise<undefined> {
    if (this.#over) return;
    this.#over = true;
    await this.#lane.abort();
    await rollBack(this.#session.client).catch(() => {});
    await this.#session.client.end().catch(() => {});
  }

  async #write(bytes: Buffer, lines: number): Promise<void> {
    const { table } = this.#of;
    try {
      await this.#lane.write({ sql: this.#sql, table }, bytes, lines);
    } catch (error) {
      throw tableError(error, table);
    }
  }
}
