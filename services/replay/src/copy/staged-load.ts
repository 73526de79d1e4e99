// The long way of a copy: into a stage beside the table, committed every few chunks, and merged into the table in one transaction
// when it is whole.
import { codes, MillraceError } from '@millrace/errors';
import { failpoint } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { disconnect, withTransaction } from '@millrace/postgres';
import {
  type ApplySession,
  beginSql,
  commit,
  copyStageOf,
  dropCopyStage,
  grantToOwner,
  makeCopyStage,
  planForManyRows,
  rollBack,
  type StagedCopy,
} from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import type { Layout } from '../apply/plan/layout.ts';
import { keepAsRead } from '../apply/target/keep-as-read.ts';
import { COPY_BEFORE_COMMIT, type CopyEnd, type Load, type LoadTarget, markLoaded, RowCountMismatch } from './load.ts';
import { LoadSessions, type LoadSessionsOptions } from './load-sessions.ts';
import { mergeCopy } from './merge-copy.ts';
import { analyzeStageSql, countStageSql, stageFieldsSql } from './plan-copy.ts';

export interface StagedLoadOptions extends LoadSessionsOptions {
  readonly layout: Layout;
  /** What an earlier session has loaded. */
  readonly staged?: StagedCopy | undefined;
}

export class StagedLoad implements Load {
  readonly #target: LoadTarget;
  readonly #session: ApplySession;
  readonly #layout: Layout;
  readonly #sessions: LoadSessions;
  readonly #committedChunks: ReadonlySet<number>;
  #isOver = false;

  /** The session becomes this load's own; it makes and merges the stage. */
  constructor(target: LoadTarget, session: ApplySession, options: StagedLoadOptions) {
    this.#target = target;
    this.#session = session;
    this.#layout = options.layout;
    this.#sessions = new LoadSessions(target, options.layout, options);
    this.#committedChunks = options.staged?.chunks ?? new Set();
  }

  /** Makes an empty stage. */
  async begin(): Promise<void> {
    const { queue, table, copyId } = this.#target;
    const { client } = this.#session;
    try {
      await withTransaction(client, () => makeCopyStage(client, queue, copyId, stageFieldsSql(this.#layout)));
    } catch (error) {
      throw tableError(error, table);
    }
  }

  async write(message: Message<CopyHeader>): Promise<boolean> {
    if (this.#committedChunks.has(message.header.chunk)) return false;
    try {
      await this.#sessions.write(message);
      return true;
    } catch (error) {
      throw tableError(error, this.#target.table);
    }
  }

  async complete(end: CopyEnd): Promise<number> {
    const { table } = this.#target;
    try {
      await this.#sessions.commit();
      await this.#sessions.close();
      const rows = await this.#merge(end);
      this.#isOver = true;
      await disconnect(this.#session.client);
      return rows;
    } catch (error) {
      if (error instanceof RowCountMismatch) await this.#dropStage();
      throw tableError(error, table);
    }
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#sessions.close();
    await rollBack(this.#session.client).catch(() => {});
    await disconnect(this.#session.client);
  }

  async #merge(end: CopyEnd): Promise<number> {
    const { queue, copyId, table } = this.#target;
    const { client } = this.#session;
    const stage = copyStageOf(queue, copyId);
    await client.query(analyzeStageSql(stage));
    await client.query(beginSql);
    await planForManyRows(client);
    const rows = Number((await client.query(countStageSql(stage))).rows[0].n);
    if (end.rows !== undefined && end.rows !== rows) throw new RowCountMismatch(this.#target);
    await keepAsRead(client, this.#layout.table);
    await grantToOwner(client, this.#layout.table, 'SELECT', stage);
    const merged = await mergeCopy(this.#session, { layout: this.#layout, stage });
    if (merged !== rows) {
      const text = `table ${tableLabel(table)}: ${rows - merged} of ${rows} rows of the copy collide on a unique index at the subscriber`;
      throw new MillraceError(codes.CONSTRAINT, text, {
        advice:
          'its primary key or a unique index there does not tell apart the rows of the provider: make it the same',
      });
    }
    await markLoaded(client, this.#target, { ...end, rows });
    await dropCopyStage(client, queue, copyId);
    await failpoint(COPY_BEFORE_COMMIT);
    await commit(client);
    return rows;
  }

  async #dropStage(): Promise<void> {
    const { queue, copyId } = this.#target;
    const { client } = this.#session;
    await rollBack(client);
    await dropCopyStage(client, queue, copyId);
  }
}
