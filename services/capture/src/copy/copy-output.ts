// The chunks of one attempt at a copy on their way to the bus, in one order although several sessions read the table.
import type { Bus } from '@millrace/bus';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import type { CopyRequest, PinnedTick, TableCopyPlan } from '@millrace/provider';
import { type CopyHeader, encodeMessage, sha256Hex } from '@millrace/wire';
import { copyBytes } from '../metrics.ts';
import type { Reports } from '../subscribers/reports.ts';
import type { Chunk } from './chunk-maker.ts';
import { type CopySender, copyAborted } from './copy-sender.ts';
import type { TakerWindow } from './taker-window.ts';

/** One attempt at a copy. */
export interface CopyTask {
  readonly bus: Bus;
  /** The provider's system identifier. */
  readonly provider: string;
  readonly reports: Reports;
  /** With the number of this attempt. */
  readonly request: CopyRequest;
  /** Subscribers that take it now; one that does not keep up is left out. */
  readonly takers: readonly string[];
  readonly signal: AbortSignal;
}

/** The table as of one tick. */
export interface PinnedTable {
  readonly pinned: PinnedTick;
  readonly plan: TableCopyPlan;
}

const [chunkPoint] = defineFailpoints('capture.copy-chunk');

const maxChunkBytes = 1024 * 1024;
/** Of a message: frame, and the header's fields without names. */
const headerBytes = 2048;

export class CopyOutput {
  /** Bytes that fit into one chunk. */
  readonly capacity: number;
  readonly #task: CopyTask;
  readonly #table: PinnedTable;
  readonly #sender: CopySender;
  readonly #window: TakerWindow;
  #chunks = 0;
  #bytes = 0;
  /** One reader at a time sends, from one whole row to the next. */
  #turn: Promise<void> = Promise.resolve();

  constructor(task: CopyTask, table: PinnedTable, sender: CopySender, window: TakerWindow) {
    this.#task = task;
    this.#table = table;
    this.#sender = sender;
    this.#window = window;
    const nameBytes = Buffer.byteLength(JSON.stringify([table.plan.columns, table.plan.source]));
    this.capacity = Math.min(maxChunkBytes, task.bus.maxPayload()) - headerBytes - nameBytes;
  }

  /** Bytes sent so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sends one chunk. `rows` given: it is the last one of the copy. */
  async send(chunk: Chunk, rows?: number): Promise<void> {
    const endTurn = await this.takeTurn();
    await this.put(chunk, rows);
    endTurn();
  }

  /** Waits for the turn; gives how to end it. After a failed turn there is no other. */
  async takeTurn(): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    return resolve;
  }

  /** Sends one chunk of whoever has the turn. */
  async put(chunk: Chunk, rows?: number): Promise<void> {
    const { signal } = this.#task;
    const message = encodeMessage(this.#header(chunk, rows), chunk.pieces);
    this.#bytes += chunk.bytes;
    this.#chunks += 1;
    copyBytes.add(chunk.bytes);
    await this.#window.enter(chunk.bytes, signal);
    if (signal.aborted) throw copyAborted();
    await this.#sender.send(message);
    await failpoint(chunkPoint);
  }

  /** Waits until all is stored. */
  async flush(): Promise<void> {
    await this.#sender.flush();
  }

  #header({ pieces, bytes }: Chunk, rows: number | undefined): CopyHeader {
    const { request, provider } = this.#task;
    const { pinned, plan } = this.#table;
    return {
      v: 1,
      kind: 'copy',
      provider,
      queue: request.queue,
      copy: request.copyId,
      attempt: request.attempt,
      table: plan.table,
      columns: [...plan.columns],
      source: plan.source,
      tick: { tick: pinned.tick, fingerprint: pinned.fingerprint, time: pinned.time },
      chunk: this.#chunks,
      last: rows !== undefined,
      ...(rows === undefined ? {} : { rows }),
      bytes,
      sha256: sha256Hex(pieces),
      ...(this.#chunks === 0 ? { estimate: plan.estimate } : {}),
    };
  }
}
