// Decides how a copy is loaded, and continues what an earlier session has loaded.
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { disconnect } from '@millrace/postgres';
import { type ApplySession, moveTable, readStaged, readTarget, type StagedCopy } from '@millrace/subscriber';
import type { CopyHeader } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import { type Layout, lacksTable, layoutOf } from '../apply/plan/layout.ts';
import { copiedColumns, type ReportedColumns } from '../apply/target/columns/match-columns.ts';
import { DirectLoad } from './direct-load.ts';
import { type Load, type LoadTarget, openCopySession } from './load.ts';
import type { LoadSessionsOptions } from './load-sessions.ts';
import { hasRowsSql } from './plan-copy.ts';
import { StagedLoad } from './staged-load.ts';

const [COPY_BEGUN] = defineFailpoints('replay.copy-begun');

/** How copies are loaded. */
export interface CopyOptions extends LoadSessionsOptions {
  /** A copy into an empty table goes straight into it when the provider's table is not larger, bytes. */
  readonly directBytes: number;
}

/** A load that continues, with what is loaded already. */
export interface Resumed {
  readonly load: Load;
  readonly staged: StagedCopy;
}

export class LoadOpener {
  readonly #target: LoadTarget;
  readonly #options: CopyOptions;
  /** The table is `registered`, not yet `copying`. */
  #isNew: boolean;

  constructor(target: LoadTarget, options: CopyOptions, isNew: boolean) {
    this.#target = target;
    this.#options = options;
    this.#isNew = isNew;
  }

  /** Continues what is loaded beside the table, if that is of this attempt or a newer one. */
  async resume(attempt: number): Promise<Resumed | undefined> {
    const { queue, copyId } = this.#target;
    return this.#inSession(async (session) => {
      const staged = await readStaged(session.client, queue, copyId);
      if (staged === undefined || staged.attempt < attempt || this.#isNew) {
        await disconnect(session.client);
        return undefined;
      }
      const layout = await this.#layout(session, staged);
      return { load: new StagedLoad(this.#target, session, { ...this.#options, layout, staged }), staged };
    });
  }

  /** Begins with the first chunk of an attempt. */
  async begin(header: CopyHeader): Promise<Load> {
    return this.#inSession(async (session) => {
      if (this.#isNew) await this.#markCopying(session, header);
      this.#isNew = false;
      const layout = await this.#layout(session, header);
      const load = (await this.#isDirect(session, layout, header))
        ? new DirectLoad(this.#target, session, layout)
        : new StagedLoad(this.#target, session, { ...this.#options, layout });
      try {
        await load.begin();
        await failpoint(COPY_BEGUN);
        return load;
      } catch (error) {
        await load.abort();
        throw error;
      }
    });
  }

  /** Runs work that makes a load of the session. When it throws, the session is ended. */
  async #inSession<T>(work: (session: ApplySession) => Promise<T>): Promise<T> {
    const session = await openCopySession(this.#target);
    try {
      return await work(session);
    } catch (error) {
      await disconnect(session.client);
      throw error;
    }
  }

  async #markCopying({ client }: ApplySession, { attempt }: CopyHeader): Promise<void> {
    const { queue, table, copyId } = this.#target;
    await moveTable(client, queue, table, { to: 'copying', ifCopy: copyId, copyAttempt: attempt, error: null });
  }

  /** The short way is for a table that has nothing to lose, and for a copy that is soon begun again. */
  async #isDirect(session: ApplySession, layout: Layout, { estimate }: CopyHeader): Promise<boolean> {
    if ((estimate?.bytes ?? 0) > this.#options.directBytes || layout.table.owner.actAs) return false;
    return (await session.client.query(hasRowsSql(layout.table))).rows[0].yes === false;
  }

  async #layout(session: ApplySession, reported: ReportedColumns): Promise<Layout> {
    const { table } = this.#target;
    try {
      const target = await readTarget(session.client, table);
      if (target === undefined) throw lacksTable(table);
      const layout = layoutOf(target, reported.columns, []);
      copiedColumns(target, reported);
      return layout;
    } catch (error) {
      throw tableError(error, table);
    }
  }
}
