// One table's copy: from the bus into the table, in one transaction that ends with the state catching-up.
import { addAbortListener } from 'node:events';
import { type Bus, openReader } from '@millrace/bus';
import { codes, type ErrorCode, toMillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint, pause } from '@millrace/lifecycle';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import { withTransaction } from '@millrace/postgres';
import {
  type ApplySession,
  dropPending,
  dropStage,
  moveTable,
  readStaged,
  readTarget,
  type StagedCopy,
} from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import { type CopyHeader, copyStreamName, copySubject, decodeMessage, type Message } from '@millrace/wire';
import { tableError } from '../apply/errors/table-error.ts';
import { copiedColumns, type ReportedColumns } from '../apply/target/columns/match-columns.ts';
import { type Layout, lacksTable, layoutOf } from '../apply/target/layout.ts';
import { copyBytes, copyRows } from '../report/metrics.ts';
import type { CopyProgress } from '../report/reporter.ts';
import { type Load, type LoadEnd, type LoadOf, openCopySession, WrongCount } from './load.ts';
import { DirectLoad } from './load-direct.ts';
import { StagedLoad, type StagedOptions } from './load-staged.ts';
import { hasRowsSql } from './plan-copy.ts';
import { Rate } from './rate.ts';

const [COPY_BEGUN, COPY_CHUNK, COPY_AFTER_COMMIT] = defineFailpoints(
  'replay.copy-begun',
  'replay.copy-chunk',
  'replay.copy-after-commit',
);

/** How copies are loaded. */
export interface CopyWay extends StagedOptions {
  /** A copy into an empty table goes straight into it when the provider's table is not larger, bytes. */
  readonly directBytes: number;
}

export interface SyncOptions extends CopyWay {
  readonly url: string;
  readonly bus: Bus;
  readonly queue: string;
  readonly provider: string;
  readonly table: TableName;
  readonly copyId: number;
  /** The table is `registered`, not yet `copying`. */
  readonly isNew: boolean;
  readonly log: Logger;
  /** The copy stops with it. */
  readonly signal: AbortSignal;
  /** Called when there is something new to report. */
  readonly onProgress: () => void;
}

/** Rows were refused: the same copy would be refused again. What is missing (a column, a right) is waited for instead. */
const refusals = new Set<ErrorCode>([codes.BAD_VALUE, codes.CONSTRAINT, codes.CONFLICT, codes.DATABASE_REFUSED]);

/** Loads one copy; goes on after errors with what is there, until it is loaded, held or stopped. */
export class TableSync {
  readonly #options: SyncOptions;
  readonly #stopper = new AbortController();
  readonly #signal: AbortSignal;
  readonly done: Promise<void>;
  #attempt = -1;
  #chunk = -1;
  #rows = 0;
  #bytes = 0;
  #estimate: CopyHeader['estimate'];
  readonly #rate = new Rate();
  #broken = false;
  #error: string | null = null;
  #isNew: boolean;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stopper.signal]);
    this.#isNew = options.isNew;
    this.done = this.#run();
  }

  get copyId(): number {
    return this.#options.copyId;
  }

  get progress(): CopyProgress {
    return {
      id: this.#options.copyId,
      attempt: this.#attempt,
      chunk: this.#chunk,
      rows: this.#rows,
      bytes: this.#bytes,
      broken: this.#broken,
      estimate: this.#estimate,
      rowsPerS: this.#rate.perSecond(),
      error: this.#error,
    };
  }

  /** Ends the copy; what its sessions still do or wait for is broken off after a moment. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { log, table } = this.#options;
    let pauseMs = 1000;
    while (!this.#signal.aborted) {
      try {
        if (await this.#loadOnce()) return;
      } catch (error) {
        if (this.#signal.aborted) return;
        const { code, sentence, action } = verdictOf(error);
        if (code === codes.NOT_LEADER) return;
        if (this.#error !== sentence) log.warn({ code, table: tableLabel(table) }, `copy: ${sentence}`);
        const { message, sqlstate } = toMillraceError(error);
        // Where foreign keys are enforced, the rows that lack may come with the copy of another table.
        const isRefused = refusals.has(code) && sqlstate !== '23503';
        // The advice is for changes that are tried again; a held table is copied again by a person.
        const shown = isRefused ? message : sentence;
        this.#tell({ error: shown, ...(error instanceof WrongCount ? { broken: true } : {}) });
        if (isRefused && (await this.#hold(message))) return;
        // What a person must repair may need the whole copy again: not too often.
        pauseMs = action === 'retry' ? 1000 : Math.min(pauseMs * 2, 30_000);
      }
      await pause(pauseMs, { signal: this.#signal });
    }
  }

  get #of(): LoadOf {
    return { ...this.#options, signal: this.#signal };
  }

  #open(): Promise<ApplySession> {
    return openCopySession({ url: this.#options.url, signal: this.#signal });
  }

  /** Goes on with what is loaded, else reads the copy's subject from its beginning. True when the copy is in. */
  async #loadOnce(): Promise<boolean> {
    const { bus, queue, copyId } = this.#options;
    let load = await this.#resume();
    if (load === 'complete') return true;
    const reader = openReader(bus, { stream: copyStreamName(queue), subject: copySubject(queue, copyId) });
    const listening = addAbortListener(this.#signal, () => reader.close());
    try {
      for await (const item of reader) {
        if (this.#signal.aborted) return false;
        if (item.kind === 'reset') continue;
        const message = this.#accept(item.data);
        // A broken attempt holds no locks while it waits for the next one.
        if (this.#broken) load = await load?.breakOff();
        if (message === undefined) continue;
        if (message.header.chunk === 0) {
          load = await load?.breakOff();
          load = await this.#begin(message.header);
        }
        if (load === undefined) continue;
        await this.#take(load, message);
        const { last, attempt, tick, rows } = message.header;
        const told = { columns: message.header.columns, source: message.header.source };
        if (last) return await this.#complete(load, { attempt, tick: tick.tick, rows, bytes: this.#bytes, ...told });
      }
      return false;
    } finally {
      listening[Symbol.dispose]();
      reader.close();
      await load?.breakOff();
    }
  }

  /** The message if it is the next one of the newest attempt; a missing one makes the attempt broken. */
  #accept(data: Buffer): Message<CopyHeader> | undefined {
    const message = this.#decode(data);
    if (message === undefined) return undefined;
    const { attempt, chunk } = message.header;
    if (attempt < this.#attempt) return undefined;
    if (attempt > this.#attempt) this.#standAt(attempt, undefined);
    if (chunk <= this.#chunk || this.#broken) return undefined;
    if (chunk === this.#chunk + 1) return message;
    this.#tell({ broken: true });
    return undefined;
  }

  #decode(data: Buffer): Message<CopyHeader> | undefined {
    const { queue, provider, copyId, table, log } = this.#options;
    try {
      const { header, body } = decodeMessage(data);
      const isOurs =
        header.kind === 'copy' &&
        header.queue === queue &&
        header.provider === provider &&
        header.copy === copyId &&
        sameTable(header.table, table);
      if (isOurs) return { header, body };
      log.warn({ table: tableLabel(table) }, 'a message in the place of a copy is not of it');
    } catch (error) {
      log.warn({ table: tableLabel(table), err: error }, 'a damaged message in the place of a copy');
    }
    // Its number would have been the next: the one behind it shows that, or nothing comes any more.
    this.#tell({ broken: true });
    return undefined;
  }

  /** Where the copy stands: at the beginning of an attempt, or behind what is loaded of it. */
  #standAt(attempt: number, staged: StagedCopy | undefined): void {
    this.#attempt = attempt;
    this.#chunk = -1;
    while (staged?.chunks.has(this.#chunk + 1)) this.#chunk += 1;
    this.#rows = staged?.rows ?? 0;
    this.#bytes = staged?.bytes ?? 0;
    this.#broken = false;
  }

  /** Takes up what an earlier session has loaded beside the table; undefined: nothing. */
  async #resume(): Promise<Load | 'complete' | undefined> {
    const { queue, copyId, log, table } = this.#options;
    this.#chunk = -1;
    this.#broken = false;
    const session = await this.#open();
    let load: Load | undefined;
    try {
      const staged = await readStaged(session.client, queue, copyId);
      // A newer attempt is under way: what was loaded of an older one is of no use.
      if (staged === undefined || staged.attempt < this.#attempt || this.#isNew) {
        await session.client.end();
        return undefined;
      }
      const layout = await this.#layout(session, staged);
      load = new StagedLoad(this.#of, session, { ...this.#options, layout, staged });
      this.#standAt(staged.attempt, staged);
      log.info({ table: tableLabel(table), chunk: this.#chunk, rows: staged.rows }, 'the copy goes on');
      this.#options.onProgress();
      if (!isWhole(staged)) return load;
      await this.#complete(load, staged);
      return 'complete';
    } catch (error) {
      await load?.breakOff();
      await session.client.end().catch(() => {});
      throw error;
    }
  }

  async #begin(header: CopyHeader): Promise<Load> {
    const { queue, table, copyId } = this.#options;
    this.#standAt(header.attempt, undefined);
    this.#estimate = header.estimate;
    this.#rate.note(0);
    const session = await this.#open();
    let load: DirectLoad | StagedLoad | undefined;
    try {
      if (this.#isNew)
        await moveTable(session.client, queue, table, {
          to: 'copying',
          ifCopy: copyId,
          copyAttempt: header.attempt,
          error: null,
        });
      this.#isNew = false;
      const layout = await this.#layout(session, header);
      const direct = await this.#isDirect(session, layout, header);
      load = direct
        ? new DirectLoad(this.#of, session, layout)
        : new StagedLoad(this.#of, session, { ...this.#options, layout });
      await load.begin();
      this.#tell({ error: null });
      await failpoint(COPY_BEGUN);
      return load;
    } catch (error) {
      await load?.breakOff();
      await session.client.end().catch(() => {});
      throw error;
    }
  }

  /** The short way is for a table that has nothing to lose, and for a copy that is soon begun again. */
  async #isDirect(session: ApplySession, layout: Layout, header: CopyHeader): Promise<boolean> {
    if ((header.estimate?.bytes ?? 0) > this.#options.directBytes) return false;
    return (await session.client.query(hasRowsSql(layout.table))).rows[0].yes === false;
  }

  async #layout(session: ApplySession, told: ReportedColumns): Promise<Layout> {
    const { table } = this.#options;
    try {
      const target = await readTarget(session.client, table);
      if (target === undefined) throw lacksTable(table);
      const layout = layoutOf(target, told.columns, []);
      copiedColumns(target, told);
      return layout;
    } catch (error) {
      throw tableError(error, table);
    }
  }

  async #take(load: Load, message: Message<CopyHeader>): Promise<void> {
    const { header, body } = message;
    const isNew = await load.write(message);
    await failpoint(COPY_CHUNK);
    this.#chunk = header.chunk;
    if (!isNew) return;
    copyBytes.add(body.length);
    this.#bytes += body.length;
    for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) this.#rows += 1;
    this.#rate.note(this.#rows);
    this.#options.onProgress();
  }

  async #complete(load: Load, end: LoadEnd): Promise<boolean> {
    const { table, log } = this.#options;
    const rows = await load.complete(end);
    await failpoint(COPY_AFTER_COMMIT);
    this.#rows = rows;
    copyRows.add(rows);
    log.info({ table: tableLabel(table), rows, tick: end.tick }, 'the copy is loaded');
    this.#options.onProgress();
    return true;
  }

  /** The table waits for a person. False: that could not be written, or somebody wants something else of it by now. */
  async #hold(error: string): Promise<boolean> {
    const { queue, table, copyId, log } = this.#options;
    try {
      const { client } = await this.#open();
      const hold = async () => {
        await moveTable(client, queue, table, { to: 'held', ifCopy: copyId, copyAttempt: this.#attempt, error });
        await dropPending(client, queue, table);
        await dropStage(client, queue, copyId);
      };
      await withTransaction(client, hold).finally(() => client.end().catch(() => {}));
      log.warn({ table: tableLabel(table) }, 'the table is held: its copy cannot be loaded');
      return true;
    } catch (fault) {
      return verdictOf(fault).code === codes.NOT_LEADER;
    }
  }

  #tell(news: { error?: string | null; broken?: boolean }): void {
    if (news.error !== undefined) this.#error = news.error;
    if (news.broken !== undefined) this.#broken = news.broken;
    this.#options.onProgress();
  }
}

/** Every piece is there: only the table lacks it. */
function isWhole({ chunks, rows, wholeRows }: StagedCopy): boolean {
  if (wholeRows !== rows) return false;
  let last = -1;
  for (const chunk of chunks) last = Math.max(last, chunk);
  return chunks.size === last + 1;
}
