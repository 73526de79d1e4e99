// Wishes for copies: begins them, a few at a time, repeats what was broken off, and notes when everybody has them.
import { type Bus, type BusConnection, ensureStream, firstMessage, purgeSubject } from '@millrace/bus';
import { toMillraceError, type Verdict, verdictOf } from '@millrace/errors';
import { RunLoop } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { KeptSession, type PgClient } from '@millrace/postgres';
import {
  beginCopy,
  type CopyProgress,
  type CopyRequest,
  finishCopy,
  noteCopyProgress,
  openCopyRequests,
  systemIdentifier,
} from '@millrace/provider';
import { copyStreamName, copySubject, decodeMessage } from '@millrace/wire';
import type { CaptureOptions } from '../config.ts';
import { copies } from '../metrics.ts';
import { openSession } from '../session.ts';
import type { Reports } from '../subscribers/reports.ts';
import type { Shared } from '../subscribers/shared.ts';
import { copyTable } from './copy-table.ts';
import { isSettled, takersOf, takingOf } from './copy-takers.ts';

export interface CopiesParts {
  readonly options: CaptureOptions;
  readonly holder: BusConnection;
  readonly shared: Shared;
  readonly reports: Reports;
}

const atOnce = 3;
const busyMs = 200;
/** Without wishes; a new one is told by the database. */
const idleMs = 5000;
/** A subscriber that waits for a chunk is believed to lack it after so long without progress, ms. */
const stillMs = 5000;

interface Running {
  readonly abort: AbortController;
  readonly work: Promise<void>;
}

export class Copies {
  readonly loop: RunLoop;
  readonly #parts: CopiesParts;
  readonly #running = new Map<number, Running>();
  /** How far each subscriber was with a copy that is wholly sent, and since when. */
  readonly #progress = new Map<string, { at: string; since: number }>();
  /** When an attempt may begin again after one that failed. */
  readonly #notBefore = new Map<number, { at: number; failures: number; fault: Verdict }>();
  readonly #session: KeptSession;
  #provider: string | undefined;

  constructor(parts: CopiesParts) {
    this.#parts = parts;
    const { providerUrl } = parts.options;
    this.#session = new KeptSession((onLost) =>
      openSession(providerUrl, { applicationName: 'millrace capture copies', answerMs: 12_000, onLost }),
    );
    this.loop = new RunLoop({
      name: 'capture copies',
      runOnce: () => this.runOnce(),
      backoff: { minMs: 100, maxMs: 5000 },
      onFailed: () => this.#reset(),
      onStopped: () => this.stop(),
    });
  }

  /** Why a copy cannot be made at present, if one cannot. */
  fault(): Verdict | undefined {
    return this.#notBefore.values().next().value?.fault;
  }

  /** Looks at all wishes once; gives the pause until the next look, ms. */
  async runOnce(): Promise<number> {
    const client = await this.#session.get();
    const requests = await openCopyRequests(client, this.#parts.options.queue);
    for (const [id, running] of this.#running) {
      if (requests.some((request) => request.copyId === id)) continue;
      running.abort.abort();
      await running.work;
      await this.#purge(await this.#parts.holder.get(), id);
    }
    for (const id of this.#notBefore.keys()) {
      if (!requests.some((request) => request.copyId === id)) this.#notBefore.delete(id);
    }
    if (requests.length === 0) {
      this.#progress.clear();
      return idleMs;
    }
    const bus = await this.#parts.holder.get();
    const registered = new Set(this.#parts.shared.subscribers?.map((one) => one.name));
    if (this.#parts.shared.subscribers === undefined) return busyMs;
    let isTaken = this.#running.size > 0;
    for (const request of requests) {
      isTaken ||= takersOf(this.#parts.reports, request, registered).length > 0;
      if (!this.#running.has(request.copyId)) await this.#consider(client, bus, { request, registered });
    }
    // A wish of a subscriber that is down for days shall not cost five questions a second.
    return isTaken ? busyMs : idleMs;
  }

  async stop(): Promise<void> {
    for (const { abort } of this.#running.values()) abort.abort();
    await Promise.all([...this.#running.values()].map((running) => running.work));
    await this.#session.close();
  }

  async #consider(
    client: PgClient,
    bus: Bus,
    wish: { request: CopyRequest; registered: ReadonlySet<string> },
  ): Promise<void> {
    const { request, registered } = wish;
    const { reports } = this.#parts;
    if (request.attempt > 0 && isSettled(reports, request, registered)) {
      await this.#finish(client, bus, request);
      return;
    }
    const takers = takersOf(reports, request, registered);
    if (takers.length === 0 || this.#running.size >= atOnce) return;
    if (performance.now() < (this.#notBefore.get(request.copyId)?.at ?? 0)) return;
    const isSent = request.state === 'copying' && request.rows !== null;
    if (isSent && !(await this.#isLost(bus, request, takers))) return;
    await this.#begin(client, bus, { request, takers });
  }

  async #begin(client: PgClient, bus: Bus, wish: { request: CopyRequest; takers: string[] }): Promise<void> {
    const { options, reports } = this.#parts;
    const { queue, providerUrl, copyPatienceMs, copyReaders, copyPartPages, copyStreamBytes } = options;
    this.#provider ??= await systemIdentifier(client);
    // One level only: a stream of another queue can never share these subjects.
    await ensureStream(bus, {
      name: copyStreamName(queue),
      subjects: [copySubject(queue, 0).replace(/0$/, '>')],
      maxBytes: copyStreamBytes,
    });
    await this.#purge(bus, wish.request.copyId);
    const request = await beginCopy(client, wish.request.copyId);
    if (request === null) return;
    copies.add(1);
    const log = this.loop.state?.log;
    log?.info({ copy: request.copyId, attempt: request.attempt, table: tableLabel(request.table) }, 'copying a table');
    const abort = new AbortController();
    const provider = this.#provider;
    const copying = copyTable({
      providerUrl,
      provider,
      bus,
      reports,
      request,
      takers: wish.takers,
      patienceMs: copyPatienceMs,
      readers: copyReaders,
      partPages: copyPartPages,
      signal: abort.signal,
    });
    const work = copying.then(
      (sent) => this.#sent(request, sent),
      (error: unknown) => {
        if (!abort.signal.aborted) this.#failed(request, error);
      },
    );
    this.#running.set(request.copyId, { abort, work: work.finally(() => this.#running.delete(request.copyId)) });
  }

  /** All of it is on the bus; the subscribers are at it. */
  async #sent(request: CopyRequest, sent: CopyProgress): Promise<void> {
    this.loop.state?.log.info({ copy: request.copyId, rows: sent.rows, bytes: sent.bytes }, 'copy sent');
    this.#notBefore.delete(request.copyId);
    try {
      const client = await this.#session.get();
      await noteCopyProgress(client, request.copyId, request.attempt, sent);
    } catch (error) {
      // Not noted means sent again: no harm but work.
      this.loop.state?.log.warn(
        { copy: request.copyId, code: toMillraceError(error).code },
        'could not note that the copy was sent',
      );
    }
    this.loop.wake();
  }

  #failed(request: CopyRequest, error: unknown): void {
    const failures = (this.#notBefore.get(request.copyId)?.failures ?? 0) + 1;
    const fault = verdictOf(error);
    this.#notBefore.set(request.copyId, {
      at: performance.now() + Math.min(30_000, 500 * 2 ** failures),
      failures,
      fault,
    });
    this.loop.state?.log.warn({ copy: request.copyId, attempt: request.attempt, code: fault.code }, fault.sentence);
  }

  async #finish(client: PgClient, bus: Bus, request: CopyRequest): Promise<void> {
    const position = request.position ?? { tick: 0, fingerprint: '' };
    const done = await finishCopy(client, request.copyId, request.attempt, {
      position,
      rows: request.rows ?? 0,
      bytes: request.bytes ?? 0,
    });
    this.#progress.clear();
    await this.#purge(bus, request.copyId);
    if (done) this.loop.state?.log.info({ copy: request.copyId, table: tableLabel(request.table) }, 'copy done');
  }

  #purge(bus: Bus, copyId: number): Promise<unknown> {
    const { queue } = this.#parts.options;
    return purgeSubject(bus, copyStreamName(queue), copySubject(queue, copyId));
  }

  /**
   * True when a subscriber says so, or does not move and the stream no longer holds what it needs next. Those that still move come
   * first: a new attempt would take from them what they have.
   */
  async #isLost(bus: Bus, request: CopyRequest, takers: readonly string[]): Promise<boolean> {
    let isLost = false;
    for (const name of takers) {
      const taking = takingOf(this.#parts.reports, name, request);
      if (taking.kind === 'broken') isLost = true;
      if (taking.kind !== 'taking') continue;
      const key = `${request.copyId} ${request.attempt} ${name}`;
      const at = `${taking.chunk} ${taking.bytes}`;
      const before = this.#progress.get(key);
      if (before?.at !== at) this.#progress.set(key, { at, since: performance.now() });
      if (before?.at !== at || performance.now() - before.since <= stillMs) return false;
      isLost ||= !(await this.#holds(bus, request, taking.chunk + 1));
    }
    return isLost;
  }

  /** True when the stream holds a chunk of this attempt, or one before it. */
  async #holds(bus: Bus, request: CopyRequest, chunk: number): Promise<boolean> {
    const first = await firstMessage(bus, copyStreamName(request.queue), copySubject(request.queue, request.copyId));
    if (first === undefined) return false;
    try {
      const { header } = decodeMessage(first.data);
      return (
        header.kind === 'copy' &&
        header.attempt <= request.attempt &&
        (header.attempt < request.attempt || header.chunk <= chunk)
      );
    } catch {
      return false;
    }
  }

  #reset(): void {
    this.#session.drop();
    this.#provider = undefined;
  }
}
