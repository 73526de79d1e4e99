// Brings the followed tables through their states: starts copies, and completes those that are in.
import type { Bus } from '@millrace/bus';
import { codes, toMillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { type TableName, tableKey, tableLabel } from '@millrace/model';
import { connect } from '@millrace/postgres';
import {
  type ApplySession,
  dropPending,
  dropStrayStages,
  endWithSignal,
  holdPosition,
  moveTable,
  noteTable,
  orderByReferences,
  readPending,
  type StoredPosition,
  type SubscribedTable,
} from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import type { Applier } from '../apply/applier.ts';
import type { Followed } from '../apply/plan/followed.ts';
import type { CopyProgress } from '../report/reporter.ts';
import { type CopyWay, TableSync } from './sync-table.ts';

const [FINISH_BEFORE_COMMIT] = defineFailpoints('replay.finish-before-commit');

export interface TableKeeperOptions {
  readonly url: string;
  readonly queue: string;
  readonly log: Logger;
  readonly way: CopyWay;
  /** With it all copies stop. */
  readonly signal: AbortSignal;
  /** Copies that are loaded at once. Default 3. */
  readonly copiesAtOnce?: number;
  readonly onProgress: () => void;
  /** `hasNews` became true. */
  readonly onNews: () => void;
}

/** What the reading of kept changes may take after the stop, ms. */
const stopGraceMs = 1000;
/** After a failed completion the table is tried again so much later, ms. */
const againMs = 2000;

export class TableKeeper {
  readonly #options: TableKeeperOptions;
  readonly #syncs = new Map<string, TableSync>();
  readonly #notBefore = new Map<string, number>();
  /** Tables whose kept changes go tick by tick: together they failed, and the table may have to be altered in between. */
  readonly #tickByTick = new Set<string>();
  #bus: Bus | undefined;
  /** No stage is left of a copy that nobody waits for. */
  #isTidy = false;
  /** A copy came in or ended: the states in the database are not those we know. */
  hasNews = false;

  constructor(options: TableKeeperOptions) {
    this.#options = options;
  }

  progressOf(table: TableName): CopyProgress | undefined {
    return this.#syncs.get(tableKey(table))?.progress;
  }

  /** Starts the copies that are due and stops those nobody wants any more. */
  async tend(
    session: ApplySession,
    followed: Followed,
    { bus, provider }: { bus: Bus; provider: string },
  ): Promise<void> {
    if (bus !== this.#bus) await this.stop();
    this.#bus = bus;
    await this.#stopUnwanted(followed);
    if (!this.#isTidy) await dropStrayStages(session.client, this.#options.queue);
    this.#isTidy = true;
    if (!this.#hasRoom()) return;
    for (const table of await this.#nextUp(session, followed)) {
      if (!this.#hasRoom()) return;
      if (table.copyId !== null) this.#start(tableKey(table), table, { copyId: table.copyId, bus, provider });
    }
  }

  async #stopUnwanted(followed: Followed): Promise<void> {
    const unwanted = [...this.#syncs].filter(([key, sync]) => {
      const table = followed.tables.get(key);
      return table === undefined || !isAwaiting(table) || table.copyId !== sync.copyId;
    });
    if (unwanted.length === 0) return;
    for (const [key] of unwanted) this.#syncs.delete(key);
    await Promise.all(unwanted.map(([, sync]) => sync.stop()));
    this.#isTidy = false;
  }

  /** One that cannot go on takes no place: what it waits for may be the rows of a table that is still to be copied. */
  #hasRoom(): boolean {
    const going = [...this.#syncs.values()].filter(({ progress }) => progress.error === null);
    return going.length < (this.#options.copiesAtOnce ?? 3);
  }

  /** Tables whose copy may begin; parents first where foreign keys are enforced. */
  async #nextUp({ client, replica }: ApplySession, followed: Followed): Promise<SubscribedTable[]> {
    const next = [...followed.tables.entries()].flatMap(([key, table]) =>
      this.#syncs.has(key) || !isAwaiting(table) || table.copyId === null ? [] : [table],
    );
    return replica || next.length < 2 ? next : orderByReferences(client, next);
  }

  /** Completes the first table whose copy is in and not ahead of us. True when one became ok, or came closer to it. */
  async finishOne(
    applier: Applier,
    session: ApplySession,
    followed: Followed,
    position: StoredPosition,
  ): Promise<boolean> {
    await this.#noteErrors(session, followed);
    for (const [key, table] of followed.tables) {
      if (table.state !== 'catching-up' || table.copyTick === null || position.tick < table.copyTick) continue;
      if (performance.now() < (this.#notBefore.get(key) ?? 0)) continue;
      try {
        const isPart = this.#tickByTick.has(key) && (await this.#finishTick(applier, session, table, position));
        if (!isPart) {
          await this.#finish(applier, session, table, position);
          this.#tickByTick.delete(key);
        }
        this.#notBefore.delete(key);
        return true;
      } catch (error) {
        if (!this.#tickByTick.has(key) && verdictOf(error).action === 'stop') {
          this.#tickByTick.add(key);
          return true;
        }
        await this.#failed(error, session, table);
        this.#notBefore.set(key, performance.now() + againMs);
      }
    }
    return false;
  }

  /** Why a copy does not go on is told in the database too, for those who reach only that. */
  async #noteErrors({ client }: ApplySession, followed: Followed): Promise<void> {
    for (const [key, sync] of this.#syncs) {
      const table = followed.tables.get(key);
      const { error } = sync.progress;
      if (table === undefined || table.copyId !== sync.copyId || table.error === error) continue;
      await noteTable(client, this.#options.queue, table, { error });
      this.hasNews = true;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#syncs.values()].map((sync) => sync.stop()));
    this.#syncs.clear();
  }

  #start(
    key: string,
    table: SubscribedTable,
    { copyId, bus, provider }: { copyId: number; bus: Bus; provider: string },
  ): void {
    const { url, queue, log, way, signal, onProgress } = this.#options;
    const { schema, name } = table;
    const sync = new TableSync({
      ...way,
      url,
      bus,
      queue,
      provider,
      table: { schema, name },
      copyId,
      isNew: table.state === 'registered',
      log,
      signal,
      onProgress,
    });
    this.#syncs.set(key, sync);
    void sync.done.then(() => {
      this.hasNews = true;
      if (this.#syncs.get(key) === sync) this.#syncs.delete(key);
      this.#options.onNews();
    });
  }

  /** The changes kept during the copy, and the state ok, in one transaction that holds the position. */
  async #finish(
    applier: Applier,
    { client }: ApplySession,
    table: SubscribedTable,
    position: StoredPosition,
  ): Promise<void> {
    const { queue, log } = this.#options;
    const { lines } = await applier.applyPieces(table, () => piecesFrom(this.#options, table), {
      before: () => holdPosition(client, queue, position),
      after: async () => {
        await dropPending(client, queue, table);
        await moveTable(client, queue, table, {
          to: 'ok',
          ...(table.copyId === null ? {} : { ifCopy: table.copyId }),
          error: null,
        });
        await failpoint(FINISH_BEFORE_COMMIT);
      },
    });
    log.info({ table: tableLabel(table), lines, tick: position.tick }, 'the table is ok');
  }

  /** Only the changes of the first tick that are kept: the copy is so much newer then. False: nothing is kept. */
  async #finishTick(
    applier: Applier,
    { client }: ApplySession,
    table: SubscribedTable,
    position: StoredPosition,
  ): Promise<boolean> {
    const { queue } = this.#options;
    const first = await readPending(client, queue, table, table.copyTick ?? 0).next();
    if (first.done === true) return false;
    const { tick } = first.value;
    await applier.applyPieces(table, () => piecesFrom(this.#options, table, tick), {
      before: () => holdPosition(client, queue, position),
      after: async () => {
        await dropPending(client, queue, table, tick);
        await noteTable(client, queue, table, { copyTick: tick, error: null });
      },
    });
    return true;
  }

  async #failed(error: unknown, { client }: ApplySession, table: SubscribedTable): Promise<void> {
    const { code } = toMillraceError(error);
    if (verdictOf(error).action === 'retry' || code === codes.POSITION) throw error;
    // The table waits; the others go on.
    const { sentence } = verdictOf(error);
    if (table.error !== sentence) this.#options.log.warn({ code, table: tableLabel(table) }, sentence);
    await noteTable(client, this.#options.queue, table, { error: sentence });
  }
}

function isAwaiting(table: SubscribedTable): boolean {
  return table.state === 'registered' || table.state === 'copying';
}

/** On a session of its own: the applying one is busy with COPY. What is kept is committed and only we remove it. */
async function* piecesFrom(
  { url, queue, signal }: TableKeeperOptions,
  table: SubscribedTable,
  upTo = Number.POSITIVE_INFINITY,
) {
  const applicationName = 'millrace replay pending';
  const client = await connect(url, { applicationName });
  endWithSignal(client, { url, applicationName, signal, graceMs: stopGraceMs });
  try {
    for await (const piece of readPending(client, queue, table, table.copyTick ?? 0)) {
      if (piece.tick > upTo) return;
      const { form, columns, key, cont, n, lines } = piece;
      yield { piece: { form, columns, key, source: piece.source ?? undefined, cont, lines: n, body: lines } };
    }
  } finally {
    await client.end().catch(() => {});
  }
}
