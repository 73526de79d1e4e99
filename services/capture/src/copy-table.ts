// One attempt at copying one table: the table as of a pinned tick, chunk by chunk, no faster than it is taken.
import { type Bus, openPublisher, type Publisher } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { applySettings, databaseError, type PgClient, pinSettings } from '@millrace/postgres';
import {
  type CopyProgress,
  type CopyRequest,
  type PinnedTick,
  pinTick,
  planTableCopy,
  readTable,
  type TableCopyPlan,
} from '@millrace/provider';
import { type CopyHeader, copyStreamName, copySubject, encodeMessage, sha256Hex } from '@millrace/wire';
import { takingOf } from './copy-takers.ts';
import { copyBytes } from './metrics.ts';
import type { Reports } from './reports.ts';
import { dropSession, openSession } from './session.ts';

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
  readonly signal: AbortSignal;
}

const [chunkPoint] = defineFailpoints('capture.copy-chunk');

/** What may be sent ahead of the slowest taker. Three copies at once stay below the stream's bound. */
const aheadBytes = 64 * 1024 * 1024;
const chunkBytes = 1024 * 1024;
const headerRoom = 2048;

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
  const publisher = openPublisher(bus, { stream: copyStreamName(request.queue) });
  try {
    const pinned = await pinTick(open, request.queue, [request.table]);
    const plan = await planTableCopy(pinned.client, request.table);
    const sent = await new TableCopy(options, { pinned, plan, publisher }).run();
    await pinned.release();
    return sent;
  } catch (error) {
    throw named(error, tableLabel(request.table));
  } finally {
    signal.removeEventListener('abort', dropAll);
    publisher.close();
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
  readonly publisher: Publisher;
}

class TableCopy {
  readonly #options: CopyTableOptions;
  readonly #parts: CopyParts;
  readonly #room: number;
  #pieces: Buffer[] = [];
  #gathered = 0;
  #chunk = 0;
  #bytes = 0;
  /** Bytes sent up to and with each chunk. */
  readonly #ends: number[] = [];
  /** Since when this chunk waits to be sent. */
  #waitingSince = 0;
  /** Takers still waited for, with how far they are and since when. */
  readonly #takers = new Map<string, { chunk: number; since: number }>();

  constructor(options: CopyTableOptions, parts: CopyParts) {
    this.#options = options;
    this.#parts = parts;
    const names = Buffer.byteLength(JSON.stringify([parts.plan.columns, parts.plan.source]));
    this.#room = Math.min(chunkBytes, options.bus.maxPayload()) - headerRoom - names;
    const since = performance.now();
    for (const name of options.takers) this.#takers.set(name, { chunk: -1, since });
  }

  async run(): Promise<CopyProgress> {
    const { pinned, plan, publisher } = this.#parts;
    const reading = readTable(pinned.client, plan);
    for await (const piece of reading.bytes) await this.#add(piece);
    const rows = await reading.rows();
    await this.#send(rows);
    await publisher.flush();
    return { position: { tick: pinned.tick, fingerprint: pinned.fingerprint }, rows, bytes: this.#bytes };
  }

  async #add(piece: Buffer): Promise<void> {
    let rest = piece;
    while (this.#gathered + rest.length > this.#room) {
      const part = rest.subarray(0, this.#room - this.#gathered);
      rest = rest.subarray(part.length);
      this.#gather(part);
      await this.#send(undefined);
    }
    this.#gather(rest);
  }

  #gather(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#gathered += piece.length;
  }

  /** `rows` given: this is the last chunk. */
  async #send(rows: number | undefined): Promise<void> {
    const { request, signal } = this.#options;
    const message = encodeMessage(this.#header(rows), this.#pieces);
    this.#bytes += this.#gathered;
    this.#ends.push(this.#bytes);
    this.#chunk += 1;
    copyBytes.add(this.#gathered);
    this.#pieces = [];
    this.#gathered = 0;
    await this.#waitForTakers();
    if (signal.aborted)
      throw new MillraceError(codes.TIMEOUT, 'the copy was broken off: capture is stopping, or the wish is gone');
    await this.#parts.publisher.send(copySubject(request.queue, request.copyId), message);
    await failpoint(chunkPoint);
  }

  #header(rows: number | undefined): CopyHeader {
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
      bytes: this.#gathered,
      sha256: sha256Hex(this.#pieces),
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
