// One table's copy: from the bus into the table, in one transaction that ends with the state catching-up.
import { type Bus, openReader, type Reader } from '@millrace/bus';
import { codes, MillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import {
  type ApplySession,
  beginSql,
  commit,
  moveTable,
  openApplySession,
  readTarget,
  rollBack,
  type TargetTable,
} from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import { type CopyHeader, copyStreamName, copySubject, decodeMessage, type Message } from '@millrace/wire';
import { tableError } from './apply-errors.ts';
import { CopyLane } from './copy-lane.ts';
import { copyBytes, copyRows } from './metrics.ts';
import { lacksTable, layoutOf } from './plan-layout.ts';
import { copyWholeSql, deleteAllSql } from './plan-statements.ts';
import type { CopyProgress } from './reporter.ts';

const [COPY_BEGUN, COPY_CHUNK, COPY_BEFORE_COMMIT, COPY_AFTER_COMMIT] = defineFailpoints(
  'replay.copy-begun',
  'replay.copy-chunk',
  'replay.copy-before-commit',
  'replay.copy-after-commit',
);

export interface SyncOptions {
  readonly url: string;
  readonly bus: Bus;
  readonly queue: string;
  readonly provider: string;
  readonly table: TableName;
  readonly copyId: number;
  /** The table is `registered`, not yet `copying`. */
  readonly isNew: boolean;
  readonly log: Logger;
  /** Called when there is something new to report. */
  readonly onProgress: () => void;
}

/** Loads one copy; begins anew with every new attempt and after errors, until it is loaded or stopped. */
export class TableSync {
  readonly #options: SyncOptions;
  readonly #stopper = new AbortController();
  readonly done: Promise<void>;
  #attempt = -1;
  #chunk = -1;
  #rows = 0;
  #bytes = 0;
  #broken = false;
  #error: string | null = null;
  #isNew: boolean;
  #reader: Reader | undefined;

  constructor(options: SyncOptions) {
    this.#options = options;
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
      error: this.#error,
    };
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    this.#reader?.close();
    await this.done;
  }

  async #run(): Promise<void> {
    const { log, table } = this.#options;
    let pauseMs = 1000;
    while (!this.#stopper.signal.aborted) {
      try {
        if (await this.#loadOnce()) return;
      } catch (error) {
        if (this.#stopper.signal.aborted) return;
        const { code, sentence, action } = verdictOf(error);
        if (code === codes.NOT_LEADER) return;
        if (this.#error !== sentence) log.warn({ code, table: tableLabel(table) }, `copy: ${sentence}`);
        this.#tell({ error: sentence });
        // What a person must repair may need the whole copy again: not too often.
        pauseMs = action === 'retry' ? 1000 : Math.min(pauseMs * 2, 30_000);
      }
      await this.#pause(pauseMs);
    }
  }

  /** Reads the copy's subject from its beginning. True when the copy is in. */
  async #loadOnce(): Promise<boolean> {
    const { bus, queue, copyId } = this.#options;
    const reader = openReader(bus, { stream: copyStreamName(queue), subject: copySubject(queue, copyId) });
    this.#reader = reader;
    let load: Load | undefined;
    try {
      for await (const item of reader) {
        if (this.#stopper.signal.aborted) return false;
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
        if (message.header.last) return await this.#complete(load, message.header);
      }
      return false;
    } finally {
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
    if (attempt > this.#attempt) {
      this.#attempt = attempt;
      this.#chunk = -1;
      this.#broken = false;
    }
    // A chunk 0 again: we read from the beginning once more.
    if (chunk === 0) return message;
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

  async #begin(header: CopyHeader): Promise<Load> {
    const { url, queue, table, copyId } = this.#options;
    this.#chunk = -1;
    this.#rows = 0;
    this.#bytes = 0;
    this.#broken = false;
    const session = await openApplySession(url, 'millrace replay copy');
    const load = new Load(session, table);
    try {
      if (this.#isNew)
        await moveTable(session.client, queue, table, {
          to: 'copying',
          ifCopy: copyId,
          copyAttempt: header.attempt,
          error: null,
        });
      this.#isNew = false;
      await load.begin(header.columns);
      this.#tell({ error: null });
      await failpoint(COPY_BEGUN);
      return load;
    } catch (error) {
      await load.breakOff();
      throw error;
    }
  }

  async #take(load: Load, { header, body }: Message<CopyHeader>): Promise<void> {
    await load.write(body);
    await failpoint(COPY_CHUNK);
    copyBytes.add(body.length);
    this.#chunk = header.chunk;
    this.#bytes += body.length;
    for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) this.#rows += 1;
    this.#options.onProgress();
  }

  async #complete(load: Load, header: CopyHeader): Promise<boolean> {
    const { queue, table, copyId, log } = this.#options;
    const rows = await load.end();
    if (header.rows !== undefined && header.rows !== rows) {
      this.#tell({ broken: true });
      throw new MillraceError(
        codes.BAD_MESSAGE,
        `the copy of ${tableLabel(table)} has another number of rows than announced`,
      );
    }
    await moveTable(load.client, queue, table, {
      to: 'catching-up',
      ifCopy: copyId,
      copyAttempt: header.attempt,
      copyTick: header.tick.tick,
      copiedRows: rows,
      copiedBytes: this.#bytes,
      error: null,
    });
    await failpoint(COPY_BEFORE_COMMIT);
    await load.commit();
    await failpoint(COPY_AFTER_COMMIT);
    this.#rows = rows;
    copyRows.add(rows);
    log.info({ table: tableLabel(table), rows, tick: header.tick.tick }, 'the copy is loaded');
    this.#options.onProgress();
    return true;
  }

  #tell(news: { error?: string | null; broken?: boolean }): void {
    if (news.error !== undefined) this.#error = news.error;
    if (news.broken !== undefined) this.#broken = news.broken;
    this.#options.onProgress();
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopper;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
    });
  }
}

/** One attempt's transaction. */
class Load {
  readonly #session: ApplySession;
  readonly #table: TableName;
  readonly #lane: CopyLane;
  #sql = '';
  #over = false;

  constructor(session: ApplySession, table: TableName) {
    this.#session = session;
    this.#table = table;
    this.#lane = new CopyLane(session.client);
  }

  get client() {
    return this.#session.client;
  }

  /** Rows that are there go in the same transaction: readers see the old ones, then the new ones, never none. */
  async begin(columns: readonly string[]): Promise<void> {
    try {
      const target = await readTarget(this.client, this.#table);
      if (target === undefined) throw lacksTable(this.#table);
      this.#sql = copySql(target, columns);
      await this.client.query(beginSql);
      await this.client.query(deleteAllSql(target));
      await this.#lane.write({ sql: this.#sql, table: this.#table }, Buffer.alloc(0), Number.NEGATIVE_INFINITY);
    } catch (error) {
      throw tableError(error, this.#table);
    }
  }

  async write(bytes: Buffer): Promise<void> {
    try {
      await this.#lane.write({ sql: this.#sql, table: this.#table }, bytes, 0);
    } catch (error) {
      throw tableError(error, this.#table);
    }
  }

  async end(): Promise<number> {
    try {
      return (await this.#lane.end())?.rows ?? 0;
    } catch (error) {
      throw tableError(error, this.#table);
    }
  }

  async commit(): Promise<void> {
    await commit(this.client).catch((error: unknown) => {
      throw tableError(error, this.#table);
    });
    this.#over = true;
    await this.client.end().catch(() => {});
  }

  /** Undoes everything and ends the session. Never throws; nothing after a commit. */
  async breakOff(): Promise<undefined> {
    if (this.#over) return;
    this.#over = true;
    await this.#lane.abort();
    await rollBack(this.client).catch(() => {});
    await this.client.end().catch(() => {});
  }
}

function copySql(target: TargetTable, columns: readonly string[]): string {
  layoutOf(target, columns, []);
  return copyWholeSql(target, columns);
}
