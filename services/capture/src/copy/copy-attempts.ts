// Attempts at copies: a few run at the same time; one that failed is repeated after a growing pause.
import type { Bus } from '@millrace/bus';
import { toMillraceError, type Verdict, verdictOf } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import type { KeptSession, PgClient } from '@millrace/postgres';
import { beginCopy, type CopyProgress, type CopyRequest, noteCopyProgress, systemIdentifier } from '@millrace/provider';
import { logger } from '@millrace/telemetry';
import type { CaptureOptions } from '../config.ts';
import { copies } from '../metrics.ts';
import type { Reports } from '../subscribers/reports.ts';
import { Signal } from '../subscribers/signal.ts';
import { ensureCopyStream, purgeCopy } from './copy-stream.ts';
import { copyTable } from './copy-table.ts';

interface Running {
  readonly abort: AbortController;
  readonly work: Promise<void>;
}

interface Failed {
  readonly failures: number;
  /** When the next attempt may begin, of the monotonic clock, ms. */
  readonly notBefore: number;
  readonly fault: Verdict;
}

const maxConcurrentCopies = 3;
const minRetryMs = 500;
const maxRetryMs = 30_000;

export class CopyAttempts {
  /** All of a copy is on the bus. */
  readonly sent = new Signal();
  readonly #options: CaptureOptions;
  readonly #reports: Reports;
  readonly #session: KeptSession;
  readonly #log = logger('capture copies');
  readonly #running = new Map<number, Running>();
  readonly #failed = new Map<number, Failed>();

  /** `session`: to note what was sent. */
  constructor(options: CaptureOptions, reports: Reports, session: KeptSession) {
    this.#options = options;
    this.#reports = reports;
    this.#session = session;
  }

  /** Why a copy cannot be made at present, if one cannot. */
  fault(): Verdict | undefined {
    return this.#failed.values().next().value?.fault;
  }

  get count(): number {
    return this.#running.size;
  }

  isRunning(copyId: number): boolean {
    return this.#running.has(copyId);
  }

  mayBegin(copyId: number): boolean {
    if (this.#running.size >= maxConcurrentCopies) return false;
    return performance.now() >= (this.#failed.get(copyId)?.notBefore ?? 0);
  }

  /** Begins an attempt for these subscribers, unless the copy is no longer requested. */
  async begin(client: PgClient, bus: Bus, wanted: CopyRequest, takers: readonly string[]): Promise<void> {
    const { queue, copyStreamBytes } = this.#options;
    const provider = await systemIdentifier(client);
    await ensureCopyStream(bus, queue, copyStreamBytes);
    await purgeCopy(bus, queue, wanted.copyId);
    const request = await beginCopy(client, wanted.copyId);
    if (request === null) return;
    copies.add(1);
    const { copyId, attempt, table } = request;
    this.#log.info({ copy: copyId, attempt, table: tableLabel(table) }, 'copying a table');
    const abort = new AbortController();
    const task = { bus, provider, reports: this.#reports, request, takers, signal: abort.signal };
    const work = copyTable(this.#options, task)
      .then(
        (progress) => this.#whenSent(request, progress),
        (error: unknown) => {
          if (!abort.signal.aborted) this.#whenFailed(request, error);
        },
      )
      .finally(() => this.#running.delete(copyId));
    this.#running.set(copyId, { abort, work });
  }

  /** Running attempts at copies that are not among these. */
  runningBeside(requested: ReadonlySet<number>): number[] {
    return [...this.#running.keys()].filter((id) => !requested.has(id));
  }

  /** Forgets the failures of copies that are not among these. */
  forgetBeside(requested: ReadonlySet<number>): void {
    for (const id of this.#failed.keys()) if (!requested.has(id)) this.#failed.delete(id);
  }

  async abort(copyId: number): Promise<void> {
    const running = this.#running.get(copyId);
    running?.abort.abort();
    await running?.work;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.abort(id)));
  }

  /** The subscribers now load what is on the bus. */
  async #whenSent({ copyId, attempt }: CopyRequest, progress: CopyProgress): Promise<void> {
    this.#log.info({ copy: copyId, rows: progress.rows, bytes: progress.bytes }, 'copy sent');
    this.#failed.delete(copyId);
    try {
      await noteCopyProgress(await this.#session.get(), copyId, attempt, progress);
    } catch (error) {
      // Not noted means that it is sent again.
      this.#log.warn({ copy: copyId, code: toMillraceError(error).code }, 'could not note that the copy was sent');
    }
    this.sent.emit();
  }

  #whenFailed({ copyId, attempt }: CopyRequest, error: unknown): void {
    const failures = (this.#failed.get(copyId)?.failures ?? 0) + 1;
    const fault = verdictOf(error);
    const notBefore = performance.now() + Math.min(maxRetryMs, minRetryMs * 2 ** failures);
    this.#failed.set(copyId, { failures, notBefore, fault });
    this.#log.warn({ copy: copyId, attempt, code: fault.code }, fault.sentence);
  }
}
