// The parts of one leader's replay and the steps of its loop.
import { BusConnection } from '@millrace/bus';
import type { Verdict } from '@millrace/errors';
import {
  type ApplySession,
  endWithSignal,
  readRepairSigns,
  replicaAdvice,
  type StoredPosition,
} from '@millrace/subscriber';
import { logger } from '@millrace/telemetry';
import { inboxPrefix } from '@millrace/wire';
import { Applier } from '../apply/applier.ts';
import { DesiredStateChanged, RetryOneByOne } from '../apply/errors/retry-signals.ts';
import type { ReplayOptions } from '../config.ts';
import { TableCompletion } from '../copy/table-completion.ts';
import { TableCopies } from '../copy/table-copies.ts';
import type { Ready } from '../feed/batch-feed.ts';
import { BusFeed } from '../feed/bus-feed.ts';
import { RefusedMessages } from '../feed/refused-messages.ts';
import { ReplayReports } from '../report/replay-reports.ts';
import { answerOf } from '../state/answer.ts';
import { type Desired, DesiredState } from '../state/desired-state.ts';
import { PositionTracker } from '../state/position-tracker.ts';
import { RefusedWork } from '../state/refused-work.ts';
import { TickPause } from '../state/tick-pause.ts';
import { ApplyStep } from './apply-step.ts';

/** The loop that takes the steps. */
export interface ReplayLoop {
  /** Ends its pause. */
  readonly wake: () => void;
  /** Ends everything that is waited for. */
  readonly signal: AbortSignal;
}

/** What the applying session does at a stop may take this much longer, ms; a process has 10 seconds for all. */
const stopGraceMs = 3000;

export class ReplayWork {
  readonly #options: ReplayOptions;
  readonly #session: ApplySession;
  readonly #loop: ReplayLoop;
  readonly #bus: BusConnection;
  readonly #position: PositionTracker;
  readonly #desired: DesiredState;
  readonly #pause = new TickPause();
  readonly #feed: BusFeed;
  readonly #refused: RefusedMessages;
  readonly #apply: ApplyStep;
  readonly #refusedBatch: RefusedWork;
  readonly #copies: TableCopies;
  readonly #completion: TableCompletion;
  readonly #reports: ReplayReports;
  #hasBegun = false;

  constructor(options: ReplayOptions, session: ApplySession, loop: ReplayLoop) {
    const { queue, subscriberUrl: url, conflicts, copies } = options;
    const { client } = session;
    const { signal } = loop;
    const log = logger('replay');
    this.#options = options;
    this.#session = session;
    this.#loop = loop;
    this.#bus = new BusConnection({
      name: 'millrace replay',
      url: options.busUrl,
      whileLost: 'return',
      inboxPrefix: inboxPrefix(queue, 'replay', options.subscriber),
    });
    this.#reports = new ReplayReports({
      ...options,
      client,
      bus: () => this.#bus.current,
      copyOf: (table) => this.#copies.progressOf(table),
      freshness: options.freshness,
      log,
    });
    this.#position = new PositionTracker({
      ...options,
      client,
      onRead: (position) => this.#reports.positionRead(position),
    });
    this.#desired = new DesiredState({
      queue,
      client,
      maxAgeMs: options.idleMs,
      onNotified: () => this.#interrupt(),
      onChanged: ({ tables }) => this.#reports.tablesChanged([...tables.values()]),
    });
    this.#refused = new RefusedMessages(log);
    this.#feed = new BusFeed({ ...options, signal, onRefused: (...refused) => this.#refused.add(...refused) });
    const applier = new Applier({ session, queue, conflicts });
    this.#apply = new ApplyStep(applier, queue);
    this.#refusedBatch = new RefusedWork({
      minMs: options.retryMs,
      maxMs: options.maxRetryMs,
      signs: () => answerOf(readRepairSigns(client, queue)),
    });
    this.#completion = new TableCompletion({
      url,
      queue,
      session,
      applier,
      maxRetryMs: options.maxRetryMs,
      signal,
      log,
    });
    this.#copies = new TableCopies({
      url,
      queue,
      keyring: options.keyring,
      onRefused: (...refused) => this.#refused.add(...refused),
      session,
      copies,
      signal,
      log,
      onProgress: () => this.#reports.copyProgressed(),
      onEnded: () => this.#interrupt(),
    });
    if (!session.replica) log.warn(replicaAdvice);
    const applicationName = `millrace replay ${options.subscriber}`;
    endWithSignal(client, { url, applicationName, signal, graceMs: stopGraceMs });
  }

  /** Where this subscriber is. Throws NOT_INSTALLED, or POSITION when there is no row. */
  async position(): Promise<StoredPosition> {
    const position = await this.#position.current();
    await this.#desired.listen();
    return position;
  }

  desired(): Promise<Desired> {
    return this.#desired.current();
  }

  /** True once, when both sides were reached for the first time. */
  async isFirst(): Promise<boolean> {
    if (this.#hasBegun) return false;
    await this.#bus.get(this.#loop.signal);
    this.#hasBegun = true;
    return true;
  }

  /** Nothing is applied; the state is reported. Returns the pause, ms. */
  async rest(): Promise<number> {
    await this.#bus.get(this.#loop.signal);
    await this.#reports.state('paused');
    return this.#options.idleMs;
  }

  /** The pause at a tick that a comparison reads the tables at, ms; undefined when there is none. */
  async pinnedPause({ pinnedPauses }: Desired, { tick }: StoredPosition): Promise<number | undefined> {
    const pauseMs = await this.#pause.pauseAt(this.#session.client, pinnedPauses, tick);
    return pauseMs === 0 ? this.refresh() : pauseMs;
  }

  /** Starts the copies that are due, and completes a table whose copy is in. */
  async completeTable(desired: Desired, position: StoredPosition): Promise<boolean> {
    await this.#copies.update(desired, { bus: await this.#bus.get(this.#loop.signal), provider: position.provider });
    if (await this.#copies.recordErrors(desired)) this.#desired.invalidate();
    const isCompleted = await this.#completion.completeOne(desired, position);
    if (isCompleted) this.#desired.invalidate();
    return isCompleted;
  }

  /** What is to be applied next, or undefined after a while without. */
  async next({ pinnedPauses }: Desired, position: StoredPosition): Promise<Ready | undefined> {
    const ready = await this.#feed.next({
      bus: await this.#bus.get(this.#loop.signal),
      position,
      timeoutMs: this.#options.idleMs,
      isOneByOne: this.#apply.isOneByOne(position),
      upTo: pinnedPauses.find(({ tick }) => tick > position.tick)?.tick,
    });
    await answerOf(this.#refused.record(this.#session.client, this.#options.queue));
    return ready;
  }

  /** Nothing came: reports that, and what is missing. Throws why nothing can come. */
  async idle(): Promise<number> {
    this.#reports.gap(this.#feed.gap);
    this.#feed.requireSameHistory();
    const bus = this.#bus.current;
    const trouble = bus?.isConnected() === false ? bus.trouble() : undefined;
    if (trouble !== undefined) throw trouble;
    await this.#reports.state('running');
    return 0;
  }

  /** Applies in one transaction; the position moves with it. Throws as ApplyStep.run does. */
  async apply(ready: Ready, desired: Desired): Promise<void> {
    const key = `${ready.from.tick} ${desired.generation}`;
    const refusal = await this.#refusedBatch.pausedBy(key);
    if (refusal !== undefined) throw refusal;
    this.#reports.setBusy(true);
    try {
      await this.#apply.run(ready, desired);
      this.#refusedBatch.succeeded();
    } catch (error) {
      if (!(error instanceof DesiredStateChanged || error instanceof RetryOneByOne))
        this.#refusedBatch.failed(key, error);
      throw error;
    } finally {
      this.#reports.setBusy(false);
    }
  }

  /** After the commit. */
  applied({ to, batches }: Ready): void {
    this.#feed.applied(to);
    this.#desired.confirm();
    const position = this.#position.moved(to, batches);
    if (position !== undefined) this.#reports.applied(position, to.time, batches);
  }

  /** The desired state is read again before the next step. Returns the pause before it, ms. */
  refresh(): number {
    this.#desired.invalidate();
    return 0;
  }

  /** An attempt was rolled back and says nothing: what was read before is read again. Returns the pause, ms. */
  retry(): number {
    this.#position.forget();
    this.#desired.forget();
    return 0;
  }

  /** A step failed: nothing that was read before counts any more, and the reason is reported. */
  failed(verdict: Verdict): void {
    this.#position.forget();
    this.#desired.forget();
    this.#reports.failed(verdict, this.#feed.gap);
  }

  async stop(): Promise<void> {
    await this.#copies.stop();
    this.#feed.close();
    await this.#reports.finish();
    await this.#bus.close();
  }

  #interrupt(): void {
    this.#desired.invalidate();
    this.#feed.interrupt();
    this.#loop.wake();
  }
}
