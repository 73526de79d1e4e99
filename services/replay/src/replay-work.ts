import { type Bus, BusConnection, getBySequence, openReader } from '@millrace/bus';
import { codes, MillraceError, type Verdict } from '@millrace/errors';
import { isSameTick, type Position, tableKey } from '@millrace/model';
import { databaseError } from '@millrace/postgres';
import {
  type ApplySession,
  type Hold,
  listHolds,
  listSequences,
  listTables,
  type Move,
  onWish,
  readControl,
  readPosition,
  recordRefused,
  replicaAdvice,
  requireInstalled,
  type StoredPosition,
  writeReplayReport,
} from '@millrace/subscriber';
import { batchSpan, type Logger, logger } from '@millrace/telemetry';
import { backfillSubject, batchSubject, decodeMessage, streamName } from '@millrace/wire';
import { type Applied, Applier } from './apply/applier.ts';
import { DesiredStateChanged } from './apply/errors/retry-signals.ts';
import type { Followed } from './apply/plan/followed.ts';
import type { ReplayOptions } from './config.ts';
import { TableKeeper } from './copy/table-keeper.ts';
import type { Refusal } from './feed/lane.ts';
import { type Ready, Source } from './feed/source.ts';
import * as metrics from './report/metrics.ts';
import { Reporter } from './report/reporter.ts';
import { Holding } from './state/holding.ts';
import { noPosition, otherName } from './state/position-errors.ts';

/** What is followed, whether replay is to rest, and at which ticks it is to stop for a moment. */
export type Wishes = Followed & { readonly paused: boolean; readonly holds: readonly Hold[] };

const mostRefusals = 50;
const stateEveryMs = 5000;
const answerMs = 15_000;

/** The parts of one leader's replay and the steps of its loop. */
export class ReplayWork {
  readonly #options: ReplayOptions;
  readonly #session: ApplySession;
  readonly #bus: BusConnection;
  readonly #applier: Applier;
  readonly #keeper: TableKeeper;
  readonly #reporter: Reporter;
  readonly #log: Logger;
  readonly #wakeLoop: () => void;
  readonly #signal: AbortSignal;
  #listens = false;
  #isTold = false;
  #source: Source | undefined;
  #sourceBus: Bus | undefined;
  /** Where the source was last asked to go on from. */
  #believed: Position | undefined;
  #position: StoredPosition | undefined;
  /**
   * Up to this tick batches are applied one by one: together they failed. The first may be in order, and the table may have
   * to be altered between two of them.
   */
  #oneByOneTo = -1;
  #wishes: Wishes | undefined;
  #wishesAt = 0;
  readonly #holding = new Holding();
  #refusals: Refusal[] = [];
  #hasBegun = false;
  #stateWritten = '';
  #stateWrittenAt = 0;

  /** `wake` ends a rest of the loop, `signal` all that is waited for. */
  constructor(options: ReplayOptions, session: ApplySession, loop: { wake: () => void; signal: AbortSignal }) {
    this.#wakeLoop = loop.wake;
    this.#signal = loop.signal;
    const { queue, subscriber, subscriberUrl, conflicts, copies } = options;
    this.#options = options;
    this.#session = session;
    this.#log = logger('replay');
    this.#bus = new BusConnection({ name: 'millrace replay', url: options.busUrl, whileLost: 'return' });
    options.freshness?.follow(() => this.#bus.current);
    this.#applier = new Applier({ session, queue, conflicts });
    this.#keeper = new TableKeeper({
      url: subscriberUrl,
      queue,
      log: this.#log,
      way: copies,
      signal: loop.signal,
      onProgress: () => this.#reporter.changed(),
      onNews: () => this.#interrupt(),
    });
    this.#reporter = new Reporter({
      queue,
      subscriber,
      bus: () => this.#bus.current,
      copyOf: (table) => this.#keeper.progressOf(table),
    });
    if (!session.replica) this.#log.warn(replicaAdvice);
  }

  /** Where we stand. Throws NOT_INSTALLED, or POSITION when there is no row. */
  async position(): Promise<StoredPosition> {
    if (this.#position !== undefined) return this.#position;
    const { client } = this.#session;
    await this.#asked(() => requireInstalled(client));
    await this.#listen();
    const found = await this.#asked(() => readPosition(client, this.#options.queue));
    if (found === undefined) throw noPosition(this.#options.queue);
    if (found.subscriber !== this.#options.subscriber) throw otherName(found, this.#options);
    // Restored from a backup, or moved by a person: what the source has passed may be needed again.
    if (this.#believed !== undefined && !isSameTick(this.#believed, found)) this.#closeSource();
    this.#position = found;
    this.#believed = found;
    this.#reporter.update({ position: found });
    this.#options.freshness?.at(found.tick);
    return found;
  }

  /** The wishes, read again when they changed or a while has passed without batches. */
  async wishes(): Promise<Wishes> {
    const known = this.#wishes;
    const fresh = !this.#isTold && !this.#keeper.hasNews && performance.now() - this.#wishesAt < this.#options.idleMs;
    if (known !== undefined && fresh) return known;
    this.#isTold = false;
    const { queue } = this.#options;
    const { client } = this.#session;
    this.#keeper.hasNews = false;
    const control = await this.#asked(() => readControl(client, queue));
    if (control === undefined) throw noPosition(queue);
    this.#wishesAt = performance.now();
    if (known !== undefined && known.generation === control.generation && known.paused === control.paused) return known;
    const tables = await this.#asked(() => listTables(client, queue));
    const sequences = await this.#asked(() => listSequences(client, queue));
    const holds = await this.#asked(() => listHolds(client, queue));
    this.#wishes = {
      ...control,
      holds,
      tables: new Map(tables.map((table) => [tableKey(table), table])),
      sequences: new Set(sequences.map(tableKey)),
    };
    this.#reporter.update({ tables });
    this.#options.freshness?.tables(tables);
    return this.#wishes;
  }

  /** True once, when both sides were reached for the first time. */
  async isFirst(): Promise<boolean> {
    if (this.#hasBegun) return false;
    await this.#bus.get();
    this.#hasBegun = true;
    return true;
  }

  /** Nothing is applied; what we are is reported. */
  async rest(): Promise<number> {
    await this.#bus.get();
    await this.#tell('paused');
    return this.#options.idleMs;
  }

  /** At a tick that somebody is to look at: how long to rest, ms. Undefined when nothing keeps us here. */
  async hold({ holds }: Wishes, { tick }: StoredPosition): Promise<number | undefined> {
    const pause = await this.#asked(() => this.#holding.restAt(this.#session.client, holds, tick));
    return pause === 0 ? this.lookAgain() : pause;
  }

  /** Wishes are told by the database, so that they need be asked for only in case that was missed. */
  async #listen(): Promise<void> {
    if (this.#listens) return;
    await this.#asked(() => onWish(this.#session.client, this.#options.queue, () => this.#interrupt()));
    this.#listens = true;
  }

  #interrupt(): void {
    this.#isTold = true;
    this.#source?.interrupt();
    this.#wakeLoop();
  }

  /** Starts what copies are due and completes one that is in. */
  async finishTable(wishes: Wishes, position: StoredPosition): Promise<boolean> {
    await this.#keeper.tend(this.#session, wishes, { bus: await this.#bus.get(), provider: position.provider });
    const finished = await this.#keeper.finishOne(this.#applier, this.#session, wishes, position);
    if (finished) this.lookAgain();
    return finished;
  }

  /** What comes next, or undefined after a while without. */
  async next(wishes: Wishes, position: StoredPosition): Promise<Ready | undefined> {
    const bus = await this.#bus.get();
    if (bus !== this.#sourceBus || this.#source === undefined) {
      this.#source?.close();
      this.#source = await this.#openSource(position, bus);
      this.#sourceBus = bus;
    }
    this.#source.isOneByOne = position.tick < this.#oneByOneTo;
    this.#source.upTo = wishes.holds.find(({ tick }) => tick > position.tick)?.tick;
    const ready = await this.#source.next(position, position.provider, this.#options.idleMs);
    await this.#recordRefusals();
    return ready;
  }

  /** Nothing came: says so, and why, if something lacks. */
  async idle(): Promise<number> {
    const gap = this.#source?.gap ?? null;
    if (gap !== null && this.#reporter.facts.gap === null) {
      metrics.gaps.add(1);
      this.#log.info(gap, 'the bus lacks what comes next; capture is asked for it');
    }
    this.#reporter.update({ gap });
    const { history } = this.#source ?? {};
    if (history !== undefined) throw history;
    const bus = this.#bus.current;
    const trouble = bus?.isConnected() === false ? bus.trouble() : undefined;
    if (trouble !== undefined) throw trouble;
    await this.#tell('running');
    return 0;
  }

  /** Applies in one transaction; the position moves with it. Throws DesiredStateChanged before anything has changed. */
  async apply(ready: Ready, wishes: Wishes): Promise<void> {
    const last = ready.headers.at(-1);
    const fingerprint = ready.to.fingerprint;
    this.#reporter.facts.busy = true;
    const begun = performance.now();
    const attributes = { 'millrace.tick': ready.to.tick, 'millrace.batches': ready.batches };
    try {
      const done = await batchSpan(
        'apply',
        { fingerprint, parentTraceparent: last?.trace, attributes },
        async (span) => {
          const applied = await this.#applyReady(ready, wishes);
          span.set({ 'millrace.lines': applied.lines });
          return applied;
        },
      );
      metrics.linesApplied.add(done.lines);
      if (done.conflicts > 0) metrics.conflictsMet.add(done.conflicts, { outcome: 'made right' });
      metrics.applySeconds.record((performance.now() - begun) / 1000);
    } catch (error) {
      if (ready.batches > 1 && !(error instanceof DesiredStateChanged)) this.#oneByOneTo = ready.to.tick;
      throw error;
    } finally {
      this.#reporter.facts.busy = false;
    }
  }

  /** After the commit. */
  applied(ready: Ready): void {
    const now = new Date();
    const lagMs = Math.max(0, Math.round(now.getTime() - Date.parse(ready.to.time)));
    metrics.transactions.add(1);
    metrics.batchesApplied.add(ready.batches);
    metrics.lagSeconds.record(lagMs / 1000);
    metrics.positionTick.set(ready.to.tick);
    if (this.#position === undefined) return;
    this.#position = {
      ...this.#position,
      tick: ready.to.tick,
      fingerprint: ready.to.fingerprint,
      tickTime: ready.to.time,
      appliedAt: now.toISOString(),
      batches: this.#position.batches + ready.batches,
    };
    this.#believed = this.#position;
    this.#options.freshness?.at(ready.to.tick);
    this.#wishesAt = performance.now();
    this.#reporter.update({ position: this.#position, state: 'running', error: null, gap: null, lagMs });
  }

  /** The wishes are read again before the next step. */
  lookAgain(): number {
    this.#wishesAt = Number.NEGATIVE_INFINITY;
    return 0;
  }

  /** A step failed: nothing believed is kept, and the reason is told. */
  failed(verdict: Verdict): void {
    this.#position = undefined;
    this.#wishes = undefined;
    const error = { code: verdict.code, message: verdict.sentence };
    if (verdict.code === codes.CONFLICT) metrics.conflictsMet.add(1, { outcome: 'stopped' });
    const gap = this.#source?.gap ?? null;
    this.#reporter.update({ state: verdict.action === 'stop' ? 'stopped' : 'running', error, gap });
    if (verdict.action === 'stop') void this.#writeState('stopped', error);
  }

  async stop(): Promise<void> {
    this.#options.freshness?.forget();
    await this.#keeper.stop();
    this.#closeSource();
    await this.#reporter.finish();
    await this.#bus.close();
  }

  async #applyReady(ready: Ready, wishes: Wishes): Promise<Applied> {
    const { queue } = this.#options;
    const busHint = ready.sequence === null ? null : { sequence: ready.sequence };
    const seen = ready.headers.at(-1)?.seen;
    const move: Move = { queue, from: ready.from, to: ready.to, batches: ready.batches, busHint, seen };
    const { work } = ready;
    try {
      if ('whole' in work) return await this.#applier.applyWhole(work.whole, wishes, move);
      return await this.#applier.applyStream(work.streamed, wishes, move);
    } catch (error) {
      throw error instanceof DesiredStateChanged ? error : databaseError(error, 'applying a batch');
    }
  }

  async #openSource(position: StoredPosition, bus: Bus): Promise<Source> {
    const { queue, subscriber, wholeBytes, chunkTimeoutMs } = this.#options;
    const stream = streamName(queue);
    const open = (subject: string) => (from: number) =>
      openReader(bus, { stream, subject, from, prefetchBytes: 4 * 1024 * 1024, idleCheckMs: 500 });
    return new Source({
      queue,
      wholeBytes,
      chunkTimeoutMs,
      openBatches: open(batchSubject(queue)),
      openBackfill: open(backfillSubject(queue, subscriber)),
      from: await this.#startOf(position, bus),
      signal: this.#signal,
      onRefused: (refusal) => this.#refused(refusal),
    });
  }

  /** The hint's place, if a batch that we have applied really lies there; else the beginning. */
  async #startOf(position: StoredPosition, bus: Bus): Promise<number> {
    const { busHint } = position;
    if (busHint === null) return 1;
    const stored = await getBySequence(bus, streamName(this.#options.queue), busHint.sequence);
    try {
      const { header } = decodeMessage(stored?.data ?? new Uint8Array());
      const isOurs =
        header.kind === 'batch' && header.provider === position.provider && header.tick.tick <= position.tick;
      return isOurs ? busHint.sequence : 1;
    } catch {
      return 1;
    }
  }

  #closeSource(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #refused(refusal: Refusal): void {
    metrics.refusedMessages.add(1);
    this.#log.warn(refusal, 'a message is set aside');
    if (this.#refusals.length < mostRefusals) this.#refusals.push(refusal);
  }

  async #recordRefusals(): Promise<void> {
    for (const refusal of this.#refusals.splice(0)) {
      await this.#asked(() => recordRefused(this.#session.client, this.#options.queue, refusal));
    }
  }

  async #tell(state: 'running' | 'paused'): Promise<void> {
    const { facts } = this.#reporter;
    if (facts.state !== state || facts.error !== null) this.#reporter.update({ state, error: null });
    await this.#writeState(state, null);
  }

  /** In the database too, for those who reach only that; rarely when nothing is new. */
  async #writeState(
    state: 'running' | 'paused' | 'stopped',
    error: { code: string; message: string } | null,
  ): Promise<void> {
    const text = JSON.stringify([state, error]);
    if (text === this.#stateWritten && performance.now() - this.#stateWrittenAt < stateEveryMs) return;
    try {
      const { client } = this.#session;
      await this.#asked(() => writeReplayReport(client, this.#options.queue, { state, error }));
      this.#stateWritten = text;
      this.#stateWrittenAt = performance.now();
    } catch {
      // It is only a report; the next statement tells of a lost session.
    }
  }

  /** A short question; a server that does not answer it hangs. */
  async #asked<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const hung = new Promise<never>((_resolve, reject) => {
      const silence = new MillraceError(codes.DATABASE_UNREACHABLE, 'the subscriber database does not answer');
      timer = setTimeout(() => reject(silence), answerMs);
    });
    try {
      return await Promise.race([work(), hung]);
    } catch (error) {
      throw databaseError(error, 'reading the state of replay');
    } finally {
      clearTimeout(timer);
    }
  }
}
