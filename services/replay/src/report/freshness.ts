// An upper bound of this replay's lag, for a load balancer in front of the subscriber's database: GET /ready?max_lag_ms=N.
import { type Bus, onNotice } from '@millrace/bus';
import { notReady } from '@millrace/lifecycle';
import { type TableName, tableLabel } from '@millrace/model';
import type { HealthReport } from '@millrace/telemetry';
import { type Keyring, pulse, pulseSubject, readJson } from '@millrace/wire';
import { foreignMessages } from './metrics.ts';

/** The pulses are subscribed to until nobody has requested the freshness for so long, ms. */
const interestMs = 60_000;
const maxSamples = 32;

/** A pulse of the ticker: what was committed at `at` (our clock, ms) is contained in the ticks up to `tick`. */
interface PulseSample {
  readonly tick: number;
  readonly at: number;
}

export interface FreshnessOptions {
  readonly queue: string;
  readonly keyring: Keyring;
  /** Milliseconds of a clock that only goes forward. For tests. */
  readonly now?: () => number;
}

/** Compares the ticker's pulses with what has been applied. */
export class Freshness {
  readonly #queue: string;
  readonly #keyring: Keyring;
  readonly #now: () => number;
  #bus: () => Bus | undefined = () => undefined;
  #subscription: { readonly bus: Bus; readonly stop: () => void } | undefined;
  #requestedAt = Number.NEGATIVE_INFINITY;
  #tick: number | undefined;
  #incomplete: readonly string[] = [];
  /** Samples of ticks that are not applied yet, oldest first. */
  #ahead: PulseSample[] = [];
  /** The newest signed pulse: its tick, and when it was signed. */
  #newest = { tick: -1, stamp: 0 };
  /** The latest time of which everything is applied. */
  #completeAt: number | undefined;

  constructor({ queue, keyring, now = () => performance.now() }: FreshnessOptions) {
    this.#queue = queue;
    this.#keyring = keyring;
    this.#now = now;
  }

  /** Where the pulses come from. */
  useBus(bus: () => Bus | undefined): void {
    this.#bus = bus;
  }

  /** This process leads no longer, or its position went back: what was known counts no longer. */
  forget(): void {
    this.#unsubscribe();
    this.#tick = undefined;
    this.#completeAt = undefined;
    this.#ahead = [];
    this.#newest = { tick: -1, stamp: 0 };
  }

  /** A position was read or moved. */
  positionAt(tick: number): void {
    if (this.#tick !== undefined && tick < this.#tick) this.forget();
    this.#tick = tick;
    const done = this.#ahead.filter((sample) => sample.tick <= tick).at(-1);
    if (done === undefined) return;
    this.#ahead = this.#ahead.filter((sample) => sample.tick > tick);
    this.#completeAt = Math.max(done.at, this.#completeAt ?? done.at);
  }

  setTables(tables: readonly (TableName & { readonly state: string })[]): void {
    this.#incomplete = tables.filter(({ state }) => state !== 'ok').map((t) => `${tableLabel(t)} is ${t.state}`);
  }

  /** Takes a pulse. */
  add(sample: PulseSample): void {
    // When it is full the newest is replaced: the oldest ones decide about a long lag.
    if (this.#ahead.length < maxSamples) this.#ahead.push(sample);
    else this.#ahead[maxSamples - 1] = sample;
    if (this.#tick !== undefined) this.positionAt(this.#tick);
  }

  /** Health with a bound of the lag; `ready` is the health without one. */
  judge(maxLagMs: number, ready: HealthReport): HealthReport {
    this.#subscribe();
    if (!ready.ok) return ready;
    if (ready.role === 'standby')
      return { ...notReady('another instance leads: its health has the lag'), role: 'standby' };
    const role = ready.role === undefined ? {} : { role: ready.role };
    const reasons = [...this.#lagReasons(maxLagMs), ...this.#incomplete];
    return { ok: reasons.length === 0, reasons, ...role };
  }

  #lagReasons(maxLagMs: number): string[] {
    if (this.#completeAt === undefined)
      return ['no pulse of the ticker was received since the lag was requested first'];
    const lagMs = this.#now() - this.#completeAt;
    return lagMs > maxLagMs ? [`it may lack changes of ${Math.round(lagMs)} ms ago`] : [];
  }

  #subscribe(): void {
    this.#requestedAt = this.#now();
    const bus = this.#bus();
    if (bus === undefined || this.#subscription?.bus === bus) return;
    this.#unsubscribe();
    this.#subscription = { bus, stop: onNotice(bus, pulseSubject(this.#queue), (...pulse) => this.#take(...pulse)) };
  }

  #take(data: Buffer, signature: string | undefined): void {
    if (this.#now() - this.#requestedAt > interestMs) this.#unsubscribe();
    const subject = pulseSubject(this.#queue);
    const read = readJson(this.#keyring, pulse, { author: 'provider', subject, data, signature });
    if (read.kind === 'refused' || this.#isOld(read.message.tick, read.stamp)) foreignMessages.add(1);
    else this.add({ tick: read.message.tick, at: this.#now() - read.message.age_ms });
  }

  /** A signed pulse that was sent before, by the ticker or by somebody who kept it. */
  #isOld(tick: number, stamp: number | undefined): boolean {
    if (stamp === undefined) return false;
    const { tick: newest, stamp: newestStamp } = this.#newest;
    const isOld = tick < Math.max(newest, this.#tick ?? 0) || (tick === newest && stamp <= newestStamp);
    if (!isOld) this.#newest = { tick, stamp };
    return isOld;
  }

  #unsubscribe(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
  }
}
