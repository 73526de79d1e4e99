// One attempt at copying one table: the table as of a pinned tick, chunk by chunk, no faster than it is taken.
import type { Bus } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { applySettings, databaseError, dropSession, type PgClient, pinSettings } from '@millrace/postgres';
import {
  type CopyProgress,
  type CopyRequest,
  joinPinned,
  type PageRange,
  type PinnedTick,
  pinTick,
  planTableCopy,
  readTable,
  type TableCopyPlan,
} from '@millrace/provider';
import { type CopyHeader, encodeMessage, sha256Hex } from '@millrace/wire';
import { copyBytes } from '../metrics.ts';
import { openSession } from '../session.ts';
import type { Reports } from '../subscribers/reports.ts';
import { type Chunk, ChunkMaker } from './chunk-maker.ts';
import { brokenOff, CopySender } from './copy-sender.ts';
import { takingOf } from './copy-takers.ts';
import { rangesFor } from './page-ranges.ts';

export interface CopyTableOptions {
  readonly providerUrl: string;
  readonly provider: string;
  readonly bus: Bus;
  readonly reports: Reports;
  /** With the number of this attempt. */
  readonly request: CopyRequest;
  /** Who takes it now; one that does not keep up is left behind. */
  readonly takers: readonly string[];
  readonly patienceMs: number;
  /** Sessions that read the table, if it is large. */
  readonly readers: number;
  /** Pages that one of them takes at a time. */
  readonly partPages: number;
  readonly signal: AbortSignal;
}

const [chunkPoint] = defineFailpoints('capture.copy-chunk');

/** What may be sent ahead of the slowest taker. Three copies at once stay below the stream's bound. */
const aheadBytes = 64 * 1024 * 1024;
const nothing: Chunk = { pieces: [], bytes: 0, endsRow: false };
const chunkBytes = 1024 * 1024;
const headerRoom = 2048;
/** A bus that is away for so long breaks the copy off. */
const busPatienceMs = 120_000;

/** Sends the table. Gives what was sent; throws when it was broken off and must begin anew. */
export async function copyTable(options: CopyTableOptions): Promise<CopyProgress> {
  const { request, providerUrl, signal, bus } = options;
  const sessions: PgClient[] = [];
  const dropAll = () => sessions.forEach(dropSession);
  const open = async () => {
    const client = await openCopySession(providerUrl);
    sessions.push(client);
    if (signal.aborted) dropSession(client);
    return client;
  };
  signal.addEventListener('abort', dropAll, { once: true });
  const { queue, copyId } = request;
  const sender = new CopySender({ bus, queue, copyId, patienceMs: busPatienceMs, signal });
  try {
    const pinned = await pinTick(open, queue, [request.table]);
    const plan = await planTableCopy(pinned.client, request.table);
    const sent = await new TableCopy(options, { pinned, plan, sender, open }).run();
    await pinned.release();
    return sent;
  } catch (error) {
    throw named(error, tableLabel(request.table));
  } finally {
    signal.removeEventListener('abort', dropAll);
    sender.close();
    // After a failure a session may be in the middle of the table.
    dropAll();
  }
}

/** Says which table, whoever failed. */
function named(error: unknown, table: string): MillraceError {
  const known = databaseError(error, `copying ${table}`);
  if (known.message.includes(table)) return known;
  const { code, advice, sqlstate } = known;
  const more = {
    cause: error,
    ...(advice === undefined ? {} : { advice }),
    ...(sqlstate === undefined ? {} : { sqlstate }),
  };
  return new MillraceError(code, `copying ${table}: ${known.message}`, more);
}

async function openCopySession(url: string) {
  const client = await openSession(url, { applicationName: 'millrace capture copy' });
  try {
    await pinSettings(client);
    // Row security that hides rows must be an error, not a smaller copy.
    await applySettings(client, { row_security: 'off' });
    return client;
  } catch (error) {
    dropSession(client);
    throw databaseError(error, 'opening a session for a copy');
  }
}

interface CopyParts {
  readonly pinned: PinnedTick;
  readonly plan: TableCopyPlan;
  readonly sender: CopySender;
  readonly open: () => Promise<PgClient>;
}

class TableCopy {
  readonly #options: CopyTableOptions;
  readonly #parts: CopyParts;
  readonly #room: number;
  #chunk = 0;
  #bytes = 0;
  #rows = 0;
  /** Bytes sent up to and with each chunk. */
  readonly #ends: number[] = [];
  /** Since when this chunk waits to be sent. */
  #waitingSince = 0;
  /** Takers still waited for, with how far they are and since when. */
  readonly #takers = new Map<string, { chunk: number; since: number }>();
  /** One reading at a time sends, from one whole row to the next. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: CopyTableOptions, parts: CopyParts) {
    this.#options = options;
    this.#parts = parts;
    const names = Buffer.byteLength(JSON.stringify([parts.plan.columns, parts.plan.source]));
    this.#room = Math.min(chunkBytes, options.bus.maxPayload()) - headerRoom - names;
    const since = performance.now();
    for (const name of options.takers) this.#takers.set(name, { chunk: -1, since });
  }

  async run(): Promise<CopyProgress> {
    const { pinned, plan, sender, open } = this.#parts;
    const { readers, partPages } = this.#options;
    const ranges = rangesFor(plan.heaps, { readers, partPages });
    const left = [...ranges];
    const read = async (client: PgClient): Promise<Chunk> => {
      let rest: Chunk = nothing;
      for (let range = left.shift(); range !== undefined; range = left.shift()) {
        if (rest.bytes > 0) await this.#send(rest);
        rest = await this.#read(client, range === 'all' ? undefined : range);
      }
      return rest;
    };
    const more = Array.from({ length: Math.min(readers, ranges.length) - 1 }, async () =>
      read(await joinPinned(open, pinned)),
    );
    const rests = await Promise.all([read(pinned.client), ...more]);
    const [last = nothing, ...others] = rests.filter(({ bytes }) => bytes > 0);
    for (const rest of others) await this.#send(rest);
    await this.#send(last, this.#rows);
    await sender.flush();
    return { position: { tick: pinned.tick, fingerprint: pinned.fingerprint }, rows: this.#rows, bytes: this.#bytes };
  }

  /** Reads a part of the table and sends it but for the last chunk, which it gives. */
  async #read(client: PgClient, range: PageRange | undefined): Promise<Chunk> {
    const reading = readTable(client, this.#parts.plan, range);
    const maker = new ChunkMaker(this.#room);
    // While a row is sent that is larger than a chunk, nobody else may send.
    let release: (() => void) | undefined;
    for await (const piece of reading.bytes) {
      for (const chunk of maker.add(piece)) {
        release ??= await this.#take();
        await this.#put(chunk);
        if (!chunk.endsRow) continue;
        release();
        release = undefined;
      }
    }
    const rows = await reading.rows();
    this.#rows += rows;
    const rest = maker.end();
    if (release === undefined) return rest;
    await this.#put(rest);
    release();
    return nothing;
  }

  async #send(chunk: Chunk, rows?: number): Promise<void> {
    const release = await this.#take();
    await this.#put(chunk, rows);
    release();
  }

  /** Waits for the turn; gives the way to end it. A failed sender lets nobody else send. */
  async #take(): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    return resolve;
  }

  /** `rows` given: this is the last chunk. */
  async #put(chunk: Chunk, rows?: number): Promise<void> {
    const { signal } = this.#options;
    const message = encodeMessage(this.#header(chunk, rows), chunk.pieces);
    this.#bytes += chunk.bytes;
    this.#ends.push(this.#bytes);
    this.#chunk += 1;
    copyBytes.add(chunk.bytes);
    await this.#waitForTakers();
    if (signal.aborted) throw brokenOff();
    await this.#parts.sender.send(message);
    await failpoint(chunkPoint);
  }

  #header({ pieces, bytes }: Chunk, rows: number | undefined): CopyHeader {
    const { request, provider } = this.#options;
    const { pinned, plan } = this.#parts;
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
      chunk: this.#chunk,
      last: rows !== undefined,
      ...(rows === undefined ? {} : { rows }),
      bytes,
      sha256: sha256Hex(pieces),
      ...(this.#chunk === 0 ? { estimate: plan.estimate } : {}),
    };
  }

  /** Holds the copy back while the slowest taker is far behind; one that takes nothing at all is left behind. */
  async #waitForTakers(): Promise<void> {
    this.#waitingSince = performance.now();
    while (!this.#options.signal.aborted && this.#bytes - this.#taken() > aheadBytes) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#taken();
  }

  /** The last taker is waited for longer, as long as it is alive: without it the work so far would be for nothing. */
  #patience(name: string): number {
    const { patienceMs, reports } = this.#options;
    return this.#takers.size === 1 && reports.isFresh(name) ? 10 * patienceMs : patienceMs;
  }

  /** Bytes that every taker has. Throws when nobody is left. */
  #taken(): number {
    const { reports, request } = this.#options;
    const now = performance.now();
    let least = this.#bytes;
    for (const [name, state] of this.#takers) {
      const taking = takingOf(reports, name, request);
      if (taking.kind === 'taking' && taking.chunk > state.chunk)
        this.#takers.set(name, { chunk: taking.chunk, since: now });
      const chunk = Math.max(state.chunk, taking.kind === 'taking' ? taking.chunk : -1);
      const has = this.#ends[chunk] ?? 0;
      const isStill =
        now - Math.max(state.since, this.#waitingSince) > this.#patience(name) && this.#bytes - has > aheadBytes;
      if (taking.kind !== 'taking' || isStill) this.#takers.delete(name);
      else least = Math.min(least, has);
    }
    if (this.#takers.size === 0)
      throw new MillraceError(codes.TIMEOUT, `nobody takes the copy of ${tableLabel(request.table)} now`);
    return least;
  }
}
