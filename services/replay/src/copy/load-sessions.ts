import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { copyStageOf } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import type { Layout } from '../apply/plan/layout.ts';
import { type LoadTarget, openCopySession } from './load.ts';
import { LoadSession } from './load-session.ts';
import { copyIntoStageSql } from './plan-copy.ts';

const [PART] = defineFailpoints('replay.copy-part');

export interface LoadSessionsOptions {
  /** Sessions that load at the same time. */
  readonly sessions: number;
  /** Bytes after which what is loaded is committed. */
  readonly partBytes: number;
}

/** The sessions that load one stage. They take turns, from one whole row to the next. */
export class LoadSessions {
  readonly #target: LoadTarget;
  readonly #layout: Layout;
  readonly #options: LoadSessionsOptions;
  readonly #sessions: LoadSession[] = [];
  #turn = -1;
  /** The last chunk ended with a whole row: the next one may go to another session. */
  #isRowEnd = true;
  #uncommittedBytes = 0;

  constructor(target: LoadTarget, layout: Layout, options: LoadSessionsOptions) {
    this.#target = target;
    this.#layout = layout;
    this.#options = options;
  }

  async write(message: Message<CopyHeader>): Promise<void> {
    const { body } = message;
    const session = await this.#next();
    await session.write(message);
    if (body.length > 0) this.#isRowEnd = body.at(-1) === 10;
    this.#uncommittedBytes += body.length;
    if (this.#isRowEnd && this.#uncommittedBytes >= this.#options.partBytes) await this.commit();
  }

  /** All sessions together, so that what is loaded has no holes unless the process dies in this very moment. */
  async commit(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.commit()));
    this.#uncommittedBytes = 0;
    await failpoint(PART);
  }

  /** Undoes what is not committed and ends the sessions. Never throws. */
  async close(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()));
  }

  async #next(): Promise<LoadSession> {
    if (this.#isRowEnd) this.#turn = (this.#turn + 1) % this.#options.sessions;
    const known = this.#sessions[this.#turn];
    if (known !== undefined) return known;
    const { queue, copyId, table } = this.#target;
    const names = this.#layout.columns.map(({ name }) => name);
    const copy = { sql: copyIntoStageSql(copyStageOf(queue, copyId), names), table };
    const session = new LoadSession(await openCopySession(this.#target), { queue, copyId, copy });
    this.#sessions[this.#turn] = session;
    return session;
  }
}
