import { type Bus, putKey } from '@millrace/bus';
import type { TableName } from '@millrace/model';
import type { StoredPosition, SubscribedTable } from '@millrace/subscriber';
import { bucketName, type Report, reportKey, wireVersion } from '@millrace/wire';

/** What the loop knows of itself; the reporter makes a report of it. */
export interface ReplayFacts {
  position: StoredPosition | undefined;
  state: Report['state'];
  busy: boolean;
  error: Report['error'];
  gap: Report['gap'];
  lagMs: number;
  tables: readonly SubscribedTable[];
}

/** How a copy under way stands. */
export interface CopyProgress {
  readonly id: number;
  readonly attempt: number;
  /** Last chunk taken; -1: none yet. */
  readonly chunk: number;
  readonly rows: number;
  readonly bytes: number;
  readonly broken: boolean;
  /** What the provider's statistics say of the table. */
  readonly estimate: { readonly rows: number; readonly bytes: number } | undefined;
  /** Over the last seconds. */
  readonly rowsPerS: number | undefined;
  readonly error: string | null;
}

export interface ReporterOptions {
  readonly queue: string;
  readonly subscriber: string;
  readonly bus: () => Bus | undefined;
  readonly copyOf: (table: TableName) => CopyProgress | undefined;
  /** Between two reports of news, and of none. Milliseconds. */
  readonly newsMs?: number;
  readonly idleMs?: number;
}

/** Writes reports into the bucket: news at once but not too often, and a sign of life when there is none. */
export class Reporter {
  readonly facts: ReplayFacts = {
    position: undefined,
    state: 'running',
    busy: false,
    error: null,
    gap: null,
    lagMs: 0,
    tables: [],
  };
  readonly #options: ReporterOptions;
  readonly #timer: NodeJS.Timeout;
  #sentAt = 0;
  #due: NodeJS.Timeout | undefined;
  #sending = false;
  #again = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sendIfSilent(), 950);
    this.#timer.unref();
  }

  /** Takes news; they go out within `newsMs` (default 100). */
  update(news: Partial<ReplayFacts>): void {
    const known: Record<string, unknown> = { ...this.facts };
    Object.assign(this.facts, news);
    const isSame = ([key, value]: [string, unknown]) => JSON.stringify(value) === JSON.stringify(known[key]);
    if (!Object.entries(news).every(isSame)) this.changed();
  }

  /** Something that the next report shows is new. */
  changed(): void {
    if (this.#due !== undefined) return;
    const wait = Math.max(0, this.#sentAt + (this.#options.newsMs ?? 100) - Date.now());
    this.#due = setTimeout(() => this.#send(), wait);
    this.#due.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#due);
  }

  /** The last word before a stop. Never throws. */
  async finish(): Promise<void> {
    this.stop();
    await this.#put();
  }

  #sendIfSilent(): void {
    const limit = this.facts.busy ? 900 : (this.#options.idleMs ?? 1850);
    if (Date.now() - this.#sentAt >= limit) this.#send();
  }

  #send(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    if (this.#sending) {
      this.#again = true;
      return;
    }
    this.#sending = true;
    void this.#put().then(() => {
      this.#sending = false;
      if (this.#again) this.changed();
      this.#again = false;
    });
  }

  async #put(): Promise<void> {
    this.#sentAt = Date.now();
    const bus = this.#options.bus();
    const value = this.#report();
    if (bus === undefined || value === undefined || !bus.isConnected()) return;
    const key = reportKey(this.#options.subscriber);
    // A report that is lost delays release at the provider until the next one.
    await putKey(bus, { bucket: bucketName(this.#options.queue) }, { key, value: JSON.stringify(value) }).catch(
      () => {},
    );
  }

  #report(): Report | undefined {
    const { position, state, busy, error, gap, lagMs, tables } = this.facts;
    if (position === undefined) return undefined;
    return {
      v: wireVersion,
      kind: 'report',
      subscriber: this.#options.subscriber,
      queue: this.#options.queue,
      provider: position.provider,
      tick: position.tick,
      fingerprint: position.fingerprint,
      state,
      busy,
      error: error === null ? null : { code: error.code, message: error.message.slice(0, 4000) },
      gap,
      tables: tables.map((table) => this.#table(table)),
      applied_at: position.appliedAt,
      lag_ms: lagMs,
      at: new Date().toISOString(),
    };
  }

  #table(table: SubscribedTable): Report['tables'][number] {
    const progress = this.#options.copyOf(table);
    const error = progress?.error ?? table.error;
    return {
      schema: table.schema,
      name: table.name,
      state: table.state,
      copied_rows: progress?.rows ?? table.copiedRows,
      copied_bytes: progress?.bytes ?? table.copiedBytes,
      copy: copyReport(table, progress),
      ...(progress?.broken === true ? { broken: true } : {}),
      ...(progress?.estimate === undefined ? {} : { estimate: progress.estimate }),
      ...(progress?.rowsPerS === undefined ? {} : { rows_per_s: progress.rowsPerS }),
      ...(error === null ? {} : { error: error.slice(0, 2000) }),
    };
  }
}

/** The copy under way, or the one that the table has: capture needs its number to know that it arrived. */
function copyReport(table: SubscribedTable, progress: CopyProgress | undefined): Report['tables'][number]['copy'] {
  if (progress !== undefined) {
    const { id, attempt, chunk } = progress;
    return chunk < 0 ? null : { id, attempt, chunk };
  }
  const isIn = table.state === 'catching-up' || table.state === 'ok' || table.state === 'held';
  return isIn && table.copyId !== null ? { id: table.copyId, attempt: table.copyAttempt ?? 0, chunk: 0 } : null;
}
