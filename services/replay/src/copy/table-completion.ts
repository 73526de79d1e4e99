// Completes tables whose copy is in: applies the changes that were stored during the copy, and the table is ok.
import { codes, toMillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { tableKey, tableLabel } from '@millrace/model';
import {
  type ApplySession,
  dropPending,
  lockPosition,
  moveTable,
  noteTable,
  readPending,
  readRepairSigns,
  type StoredPosition,
  type SubscribedTable,
} from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import type { Applier } from '../apply/applier.ts';
import type { Followed } from '../apply/plan/followed.ts';
import { answerOf } from '../state/answer.ts';
import { RefusedWork } from '../state/refused-work.ts';
import { type PendingSource, pendingPieces } from './pending-pieces.ts';

const [FINISH_BEFORE_COMMIT] = defineFailpoints('replay.finish-before-commit');

export interface TableCompletionOptions extends PendingSource {
  readonly session: ApplySession;
  readonly applier: Applier;
  readonly log: Logger;
  /** Longest pause before the next attempt after a refused one, unless signs of a repair appear, ms. */
  readonly maxRetryMs: number;
}

/** Pause before the next attempt after the first failed completion, ms. */
const retryMs = 2000;

export class TableCompletion {
  readonly #options: TableCompletionOptions;
  readonly #refused = new Map<string, RefusedWork>();
  /** Tables whose stored changes go tick by tick: together they failed, and the table may have to be altered in between. */
  readonly #tickByTick = new Set<string>();

  constructor(options: TableCompletionOptions) {
    this.#options = options;
  }

  /** Completes the first table whose copy is not ahead of the position. True when one became ok, or came closer to it. */
  async completeOne({ tables }: Followed, position: StoredPosition): Promise<boolean> {
    for (const [key, table] of tables) {
      if (table.state !== 'catching-up' || table.copyTick === null || position.tick < table.copyTick) continue;
      if ((await this.#refused.get(key)?.pausedBy(key)) !== undefined) continue;
      if (await this.#tryToComplete(table, position)) return true;
    }
    return false;
  }

  async #tryToComplete(table: SubscribedTable, position: StoredPosition): Promise<boolean> {
    const key = tableKey(table);
    try {
      const isPart = this.#tickByTick.has(key) && (await this.#applyTick(table, position));
      if (!isPart) {
        await this.#complete(table, position);
        this.#tickByTick.delete(key);
      }
      this.#refused.delete(key);
      return true;
    } catch (error) {
      if (!this.#tickByTick.has(key) && verdictOf(error).action === 'stop') {
        this.#tickByTick.add(key);
        return true;
      }
      await this.#failed(error, table);
      this.#refusedOf(key).failed(key, error);
      return false;
    }
  }

  #refusedOf(key: string): RefusedWork {
    const { queue, session, maxRetryMs } = this.#options;
    const signs = () => answerOf(readRepairSigns(session.client, queue));
    const refused = this.#refused.get(key) ?? new RefusedWork({ minMs: retryMs, maxMs: maxRetryMs, signs });
    this.#refused.set(key, refused);
    return refused;
  }

  /** The stored changes, and the state ok, in one transaction that locks the position. */
  async #complete(table: SubscribedTable, position: StoredPosition): Promise<void> {
    const { queue, applier, session, log } = this.#options;
    const { client } = session;
    const ifCopy = table.copyId === null ? {} : { ifCopy: table.copyId };
    const { lines } = await applier.applyPieces(table, () => pendingPieces(this.#options, table), {
      before: () => lockPosition(client, queue, position),
      after: async () => {
        await dropPending(client, queue, table);
        await moveTable(client, queue, table, { to: 'ok', ...ifCopy, error: null });
        await failpoint(FINISH_BEFORE_COMMIT);
      },
    });
    log.info({ table: tableLabel(table), lines, tick: position.tick }, 'the table is ok');
  }

  /** Only the changes of the first tick that is stored: the copy is newer by them then. False: nothing is stored. */
  async #applyTick(table: SubscribedTable, position: StoredPosition): Promise<boolean> {
    const { queue, applier, session } = this.#options;
    const { client } = session;
    const first = await readPending(client, queue, table, table.copyTick ?? 0).next();
    if (first.done === true) return false;
    const { tick } = first.value;
    await applier.applyPieces(table, () => pendingPieces(this.#options, table, tick), {
      before: () => lockPosition(client, queue, position),
      after: async () => {
        await dropPending(client, queue, table, tick);
        await noteTable(client, queue, table, { copyTick: tick, error: null });
      },
    });
    return true;
  }

  /** The table waits; the others go on. Throws what concerns them all. */
  async #failed(error: unknown, table: SubscribedTable): Promise<void> {
    const { queue, session, log } = this.#options;
    const { code } = toMillraceError(error);
    const { action, sentence } = verdictOf(error);
    if (action === 'retry' || code === codes.POSITION) throw error;
    if (table.error !== sentence) log.warn({ code, table: tableLabel(table) }, sentence);
    await noteTable(session.client, queue, table, { error: sentence });
  }
}
