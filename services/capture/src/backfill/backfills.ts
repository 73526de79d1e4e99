// Batches sent again, for one subscriber that lacks them: the stream discarded them, or lost them, or they arrived damaged. Each
// subscriber has its own subject and its own session, so that none waits for the past of another.
import { toMillraceError } from '@millrace/errors';
import { dropSession } from '@millrace/postgres';
import { logger } from '@millrace/telemetry';
import { backfills } from '../metrics.ts';
import { openSession } from '../session/provider-session.ts';
import { Backfill } from './backfill.ts';
import { type BackfillContext, MissingBatches } from './missing-batches.ts';

export class Backfills {
  readonly #context: BackfillContext;
  readonly #missing: MissingBatches;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopper = new AbortController();
  readonly #log = logger('backfill');

  constructor(context: BackfillContext) {
    this.#context = context;
    this.#missing = new MissingBatches(context);
  }

  /** Begins a backfill when this subscriber lacks what the stream does not give it. */
  consider(name: string): void {
    if (this.#running.has(name) || this.#stopper.signal.aborted) return;
    const target = this.#missing.upTo(name);
    if (target === undefined) return;
    const from = this.#context.reports.get(name)?.report.tick;
    this.#log.info({ subscriber: name, from, to: target }, 'sending again what the subscriber lacks');
    backfills.add(1);
    const work = this.#run(name, target)
      .catch((error: unknown) => this.#failed(name, error))
      .finally(() => this.#running.delete(name));
    this.#running.set(name, work);
  }

  /** For good: a later leadership has its own. */
  async stop(): Promise<void> {
    this.#stopper.abort();
    await Promise.all(this.#running.values());
  }

  #failed(name: string, error: unknown): void {
    if (this.#stopper.signal.aborted) return;
    this.#log.warn({ subscriber: name, err: error, code: toMillraceError(error).code }, 'backfill failed');
  }

  async #run(name: string, target: number): Promise<void> {
    const { providerUrl } = this.#context.options;
    const client = await openSession(providerUrl, { applicationName: 'millrace capture backfill' });
    const { signal } = this.#stopper;
    const onAbort = () => dropSession(client);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Backfill(this.#context, { name, client, signal }).run(target);
    } finally {
      signal.removeEventListener('abort', onAbort);
      // It may be in the middle of an answer.
      dropSession(client);
      this.#missing.forget(name);
    }
  }
}
