// The long way of a copy: beside the table, committed piece by piece, and merged into it in one transaction when it is whole.
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { withTransaction } from '@millrace/postgres';
import {
  type ApplySession,
  beginSql,
  commit,
  dropStage,
  makeStage,
  planForManyRows,
  rollBack,
  type StagedCopy,
  stageOf,
} from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import type { Layout } from '../apply/target/layout.ts';
import {
  COPY_BEFORE_COMMIT,
  type Load,
  type LoadEnd,
  type LoadOf,
  loaded,
  openCopySession,
  WrongCount,
  wrongCount,
} from './load.ts';
import { mergeCopy } from './merge-copy.ts';
import { analyzeStageSql, copyIntoStageSql, countStageSql, stageFieldsSql } from './plan-copy.ts';
import { StageLane } from './stage-lane.ts';

const [PART] = defineFailpoints('replay.copy-part');

export interface StagedOptions {
  /** Sessions that load at the same time. */
  readonly lanes: number;
  /** Bytes after which what is loaded is committed. */
  readonly partBytes: number;
}

export class StagedLoad implements Load {
  readonly #of: LoadOf;
  readonly #session: ApplySession;
  readonly #layout: Layout;
  readonly #options: StagedOptions;
  readonly #lanes: StageLane[] = [];
  /** Pieces that are committed. */
  readonly #chunks: ReadonlySet<number>;
  #turn = -1;
  /** The last piece ended with a whole row: the next one may go to another lane. */
  #isRowEnd = true;
  /** Bytes that are not yet committed. */
  #open = 0;
  #over = false;

  /** The session becomes this load's own; the lanes open theirs. `staged`: what is loaded already. */
  constructor(
    of: LoadOf,
    session: ApplySession,
    { layout, staged, ...options }: StagedOptions & { layout: Layout; staged?: StagedCopy | undefined },
  ) {
    this.#of = of;
    this.#session = session;
    this.#layout = layout;
    this.#options = options;
    this.#chunks = staged?.chunks ?? new Set();
  }

  /** Makes an empty stage. */
  async begin(): Promise<void> {
    const { queue, table, copyId } = this.#of;
    const { client } = this.#session;
    try {
      await withTransaction(client, () => makeStage(client, queue, copyId, stageFieldsSql(this.#layout)));
    } catch (error) {
      throw tableError(error, table);
    }
  }

  async write(message: Message<CopyHeader>): Promise<boolean> {
    const { header, body } = message;
    if (this.#chunks.has(header.chunk)) return false;
    try {
      const lane = await this.#laneFor();
      await lane.write(message);
      if (body.length > 0) this.#isRowEnd = body.at(-1) === 10;
      this.#open += body.length;
      if (this.#isRowEnd && this.#open >= this.#options.partBytes) await this.#commitAll();
      return true;
    } catch (error) {
      throw tableError(error, this.#of.table);
    }
  }

  async complete(end: LoadEnd): Promise<number> {
    const { table } = this.#of;
    try {
      await this.#commitAll();
      await Promise.all(this.#lanes.splice(0).map((lane) => lane.close()));
      const rows = await this.#merge(end);
      this.#over = true;
      await this.#session.client.end().catch(() => {});
      return rows;
    } catch (error) {
      if (error instanceof WrongCount) await this.#forget();
      throw tableError(error, table);
    }
  }

  async breakOff(): Promise<undefined> {
    if (this.#over) return;
    this.#over = true;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await rollBack(this.#session.client).catch(() => {});
    await this.#session.client.end().catch(() => {});
  }

  /** All lanes together, so that what is loaded has no holes but after a crash in this very moment. */
  async #commitAll(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.commit()));
    this.#open = 0;
    await failpoint(PART);
  }

  /** What is loaded is no good. */
  async #forget(): Promise<void> {
    const { queue, copyId } = this.#of;
    const { client } = this.#session;
    await rollBack(client);
    await dropStage(client, queue, copyId);
  }

  /** The lanes take turns, from one whole row to the next. */
  async #laneFor(): Promise<StageLane> {
    if (this.#isRowEnd) this.#turn = (this.#turn + 1) % this.#options.lanes;
    const known = this.#lanes[this.#turn];
    if (known !== undefined) return known;
    const { queue, copyId, table } = this.#of;
    const names = this.#layout.columns.map(({ name }) => name);
    const lane = new StageLane(await openCopySession(this.#of), {
      queue,
      copyId,
      target: { sql: copyIntoStageSql(stageOf(queue, copyId), names), table },
    });
    this.#lanes[this.#turn] = lane;
    return lane;
  }

  async #merge(end: LoadEnd): Promise<number> {
    const { queue, copyId, table } = this.#of;
    const { client, replica } = this.#session;
    const stage = stageOf(queue, copyId);
    await client.query(analyzeStageSql(stage));
    await client.query(beginSql);
    await planForManyRows(client);
    const rows = Number((await client.query(countStageSql(stage))).rows[0].n);
    if (end.rows !== undefined && end.rows !== rows) throw wrongCount(this.#of);
    const there = await mergeCopy(client, { layout: this.#layout, stage, replica });
    if (there !== rows) {
      throw new MillraceError(
        codes.CONSTRAINT,
        `table ${tableLabel(table)}: ${rows - there} of ${rows} rows of the copy have no place of their own at the subscriber`,
        {
          advice:
            'its primary key or a unique index there does not tell apart the rows of the provider: make it the same',
        },
      );
    }
    await loaded(client, this.#of, { ...end, rows });
    await dropStage(client, queue, copyId);
    await failpoint(COPY_BEFORE_COMMIT);
    await commit(client);
    return rows;
  }
}
