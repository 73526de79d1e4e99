// One table's copy, from the bus into the table, up to the state catching-up. It continues after errors with what is loaded,
// until it is loaded, held or stopped.
import { codes, type ErrorCode, toMillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint, pause } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import type { StagedCopy } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import type { CopyProgress } from '../report/make-report.ts';
import { copyBytes, copyRows } from '../report/metrics.ts';
import { type CopyMessagesOptions, readCopy } from './copy-messages.ts';
import { CopyState } from './copy-state.ts';
import { holdTable } from './hold-table.ts';
import { type CopyEnd, type Load, type LoadTarget, RowCountMismatch } from './load.ts';
import { type CopyOptions, LoadOpener } from './load-opener.ts';

const [COPY_CHUNK, COPY_AFTER_COMMIT] = defineFailpoints('replay.copy-chunk', 'replay.copy-after-commit');

export interface TableSyncOptions extends CopyMessagesOptions {
  readonly url: string;
  readonly copies: CopyOptions;
  /** The table is `registered`, not yet `copying`. */
  readonly isNew: boolean;
  /** The copy stops with it. */
  readonly signal: AbortSignal;
  /** Called when there is something new to report. */
  readonly onProgress: () => void;
}

/** Rows were refused: the same copy would be refused again. What is missing (a column, a right) is waited for instead. */
const refusals = new Set<ErrorCode>([codes.BAD_VALUE, codes.CONSTRAINT, codes.CONFLICT, codes.DATABASE_REFUSED]);

const minPauseMs = 1000;
const maxPauseMs = 30_000;

export class TableSync {
  readonly #options: TableSyncOptions;
  readonly #stopper = new AbortController();
  readonly #target: LoadTarget;
  readonly #state: CopyState;
  readonly #opener: LoadOpener;
  /** Settles when the copy is loaded, held or stopped; never rejects. */
  readonly done: Promise<void>;

  constructor(options: TableSyncOptions) {
    const { url, queue, table, copyId, copies, isNew, signal, onProgress } = options;
    this.#options = options;
    this.#target = { url, queue, table, copyId, signal: AbortSignal.any([signal, this.#stopper.signal]) };
    this.#state = new CopyState(copyId, onProgress);
    this.#opener = new LoadOpener(this.#target, copies, isNew);
    this.done = this.#run();
  }

  get copyId(): number {
    return this.#target.copyId;
  }

  get progress(): CopyProgress {
    return this.#state.progress;
  }

  /** Ends the copy. What its sessions still do or wait for is broken off after a moment. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#target;
    let pauseMs = minPauseMs;
    while (!signal.aborted) {
      try {
        if (await this.#loadOnce()) return;
      } catch (error) {
        if (signal.aborted || (await this.#isFinal(error))) return;
        // What a person must repair may need the whole copy again: not too often.
        pauseMs = verdictOf(error).action === 'retry' ? minPauseMs : Math.min(pauseMs * 2, maxPauseMs);
      }
      await pause(pauseMs, { signal });
    }
  }

  /** Shows what went wrong. True when trying again is of no use. */
  async #isFinal(error: unknown): Promise<boolean> {
    const { table, log } = this.#options;
    const { code, sentence } = verdictOf(error);
    if (code === codes.NOT_LEADER) return true;
    if (this.#state.error !== sentence) log.warn({ code, table: tableLabel(table) }, `copy: ${sentence}`);
    const { message, sqlstate } = toMillraceError(error);
    // Where foreign keys are enforced, the missing rows may come with the copy of another table.
    const isRefused = refusals.has(code) && sqlstate !== '23503';
    // The advice is for changes that are tried again; a held table is copied again by a person.
    this.#state.showError(isRefused ? message : sentence);
    if (error instanceof RowCountMismatch) this.#state.markBroken();
    const { attempt } = this.#state;
    return isRefused && holdTable(this.#target, { attempt, error: message }, log);
  }

  /** Continues with what is loaded, and reads the copy's subject from its beginning. True when the copy is in. */
  async #loadOnce(): Promise<boolean> {
    let load: Load | undefined;
    try {
      this.#state.restart();
      const resumed = await this.#opener.resume(this.#state.attempt);
      load = resumed?.load;
      if (resumed !== undefined) {
        this.#resumeAt(resumed.staged);
        if (isWhole(resumed.staged)) return await this.#complete(resumed.load, resumed.staged);
      }
      for await (const received of readCopy(this.#options, this.#target.signal)) {
        const message = this.#accept(received);
        // A broken attempt holds no locks while it waits for the next one.
        if (this.#state.isBroken || message?.header.chunk === 0) {
          await load?.abort();
          load = undefined;
        }
        if (message?.header.chunk === 0) load = await this.#begin(message.header);
        if (message === undefined || load === undefined) continue;
        await this.#take(load, message);
        if (message.header.last) return await this.#complete(load, this.#endOf(message.header));
      }
      return false;
    } finally {
      await load?.abort();
    }
  }

  #resumeAt(staged: StagedCopy): void {
    const { table, log } = this.#options;
    this.#state.resumeAt(staged);
    log.info({ table: tableLabel(table), chunk: this.#state.chunk, rows: staged.rows }, 'the copy goes on');
  }

  /** The message if it is the next one of the newest attempt. */
  #accept(message: Message<CopyHeader> | undefined): Message<CopyHeader> | undefined {
    if (message !== undefined) return this.#state.place(message.header) === 'next' ? message : undefined;
    // A damaged message may have been the next one.
    this.#state.markBroken();
    return undefined;
  }

  async #begin(header: CopyHeader): Promise<Load> {
    this.#state.beginWith(header);
    const load = await this.#opener.begin(header);
    this.#state.showError(null);
    return load;
  }

  async #take(load: Load, message: Message<CopyHeader>): Promise<void> {
    const isNew = await load.write(message);
    await failpoint(COPY_CHUNK);
    if (isNew) copyBytes.add(message.body.length);
    this.#state.took(message, isNew);
  }

  #endOf({ attempt, tick, rows, columns, source }: CopyHeader): CopyEnd {
    return { attempt, tick: tick.tick, rows, bytes: this.#state.bytes, columns, source };
  }

  async #complete(load: Load, end: CopyEnd): Promise<true> {
    const { table, log } = this.#options;
    const rows = await load.complete(end);
    await failpoint(COPY_AFTER_COMMIT);
    copyRows.add(rows);
    log.info({ table: tableLabel(table), rows, tick: end.tick }, 'the copy is loaded');
    this.#state.completed(rows);
    return true;
  }
}

/** Every chunk is loaded: only the table lacks it. */
function isWhole({ chunks, rows, wholeRows }: StagedCopy): boolean {
  if (wholeRows !== rows) return false;
  let last = -1;
  for (const chunk of chunks) last = Math.max(last, chunk);
  return chunks.size === last + 1;
}
