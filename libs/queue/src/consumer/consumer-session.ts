// A consumer's session: registered, leader of its name, notified of ticks; gives its batches one by one.
import { type BatchInfo, nextBatch, type Reader } from '../batch/batch-source.ts';
import { type Database, type Queryable, queryRows, queryValue, Session } from '../database.ts';
import * as sql from '../sql.ts';
import type { Waiter, WakeSource } from './wake.ts';

export interface SessionPlan {
  readonly database: Database;
  readonly reader: Reader;
  readonly register: boolean;
  readonly pooler: boolean;
  readonly wake: WakeSource | undefined;
  readonly waiter: Waiter;
}

/** Pause of a process on standby, milliseconds. */
const standbyMs = 1_000;
/** Pause while the database notifies of every tick: a fallback in case a notice is lost. */
const notifiedPauseMs = 30_000;

export class ConsumerSession {
  readonly session: Session;
  readonly #plan: SessionPlan;
  readonly #unsubscribe: (() => void)[] = [];
  #isNotified = false;
  #led = false;

  private constructor(session: Session, plan: SessionPlan) {
    this.session = session;
    this.#plan = plan;
  }

  /** Registers the consumer and listens. Throws what the database refuses; nothing stays open then. */
  static async open(plan: SessionPlan): Promise<ConsumerSession> {
    const session = await Session.open(plan.database, `connecting to the database of queue ${plan.reader.queue}`);
    const opened = new ConsumerSession(session, plan);
    try {
      if (plan.register) await register(session.client, plan.reader);
      await opened.#listen();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** The next batch, as soon as there is one; undefined when the signal ends the wait. */
  async next(signal: AbortSignal): Promise<BatchInfo | undefined> {
    const { reader, waiter } = this.#plan;
    while (!signal.aborted && !(await this.#leads())) await waiter.wait(signal, standbyMs);
    while (!signal.aborted) {
      this.session.check();
      const batch = await nextBatch(this.session.client, reader);
      if (batch !== undefined) {
        waiter.found();
        return batch;
      }
      await waiter.wait(signal, this.#isNotified ? this.#notifiedPause() : undefined);
    }
    return undefined;
  }

  /** Ends the session, its locks and its listening; a client that was given is left as it was. Never throws. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    if (this.session.borrowed && this.#led) {
      await queryRows(this.session.client, 'giving up the leadership', sql.unlead, [this.#leadName]).catch(() => {});
    }
    this.session.discard();
  }

  get #leadName(): string {
    const { queue, consumer, subconsumer } = this.#plan.reader;
    return `millrace.queue/${queue}/${consumer}/${subconsumer ?? ''}`;
  }

  // Ticks that were made wake us; the silence of another subconsumer, and a minimum age of ticks, do not.
  #notifiedPause(): number {
    const { takeOverAfterMs, collect } = this.#plan.reader;
    return Math.min(notifiedPauseMs, takeOverAfterMs ?? notifiedPauseMs, collect.minLagMs ?? notifiedPauseMs);
  }

  async #leads(): Promise<boolean> {
    if (this.#led || this.#plan.pooler) return true;
    this.session.check();
    this.#led =
      (await queryValue(this.session.client, 'requesting the leadership', sql.tryLead, [this.#leadName])) === 't';
    return this.#led;
  }

  async #listen(): Promise<void> {
    const { wake, waiter, pooler, reader } = this.#plan;
    if (wake !== undefined) this.#unsubscribe.push(await wake.subscribe(() => waiter.wake()));
    this.#unsubscribe.push(this.session.onNotification(() => waiter.wake()));
    if (
      pooler ||
      this.session.borrowed ||
      (await queryValue(this.session.client, 'checking for tick notices', sql.hasTickChannel)) !== 't'
    )
      return;
    await queryRows(this.session.client, 'listening for ticks', sql.listenTicks, [reader.queue]);
    this.#isNotified = true;
  }
}

/** '1' when it is new. */
export function register(client: Queryable, { queue, consumer, subconsumer }: Reader): Promise<string | null> {
  const doing = `registering consumer ${consumer} of queue ${queue}`;
  if (subconsumer === undefined) return queryValue(client, doing, sql.register, [queue, consumer]);
  return queryValue(client, doing, sql.registerSub, [queue, consumer, subconsumer]);
}
