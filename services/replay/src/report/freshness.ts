// How far behind this replay is at most, as one who asks it can rely on: a host that has a replay only can put a load
// balancer before its database.
import { type Bus, onNotice } from '@millrace/bus';
import { notReady } from '@millrace/lifecycle';
import { type TableName, tableLabel } from '@millrace/model';
import type { HealthReport } from '@millrace/telemetry';
import { decodeJson, pulse, pulseSubject } from '@millrace/wire';

/** So long after the last question the ticker is listened to: nobody shall be woken for what nobody asks. */
const interestMs = 60_000;
const mostPulses = 32;

/** Something said up to which tick everything is that was committed at `at` (our clock, ms). */
interface Word {
  readonly tick: number;
  readonly at: number;
}

export interface FreshnessOptions {
  readonly queue: string;
  /** Milliseconds of a clock that only goes forward. For tests. */
  readonly now?: () => number;
}

/** Compares what the ticker says with what has been applied. */
export class Freshness {
  readonly #queue: string;
  readonly #now: () => number;
  #bus: () => Bus | undefined = () => undefined;
  #heard: { readonly bus: Bus; readonly stop: () => void } | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #tick: number | undefined;
  #incomplete: readonly string[] = [];
  /** Words about ticks that are not applied yet, oldest first. */
  #ahead: Word[] = [];
  /** When what is applied was all there was. */
  #completeAt: number | undefined;

  constructor({ queue, now = () => performance.now() }: FreshnessOptions) {
    this.#queue = queue;
    this.#now = now;
  }

  /** Tells where the ticker can be heard. */
  follow(bus: () => Bus | undefined): void {
    this.#bus = bus;
  }

  /** Nothing is followed any more; what was known counts no longer. */
  forget(): void {
    this.#stop();
    this.#tick = undefined;
    this.#completeAt = undefined;
    this.#ahead = [];
  }

  /** A position was read or moved. */
  at(tick: number): void {
    if (this.#tick !== undefined && tick < this.#tick) this.forget();
    this.#tick = tick;
    const done = this.#ahead.filter((word) => word.tick <= tick).at(-1);
    if (done === undefined) return;
    this.#ahead = this.#ahead.filter((word) => word.tick > tick);
    this.#completeAt = Math.max(done.at, this.#completeAt ?? done.at);
  }

  tables(tables: readonly (TableName & { readonly state: string })[]): void {
    this.#incomplete = tables.filter(({ state }) => state !== 'ok').map((t) => `${tableLabel(t)} is ${t.state}`);
  }

  /** What the ticker said. */
  hear({ tick, at }: Word): void {
    // Full of words about what never comes: the oldest say the most about the lag.
    if (this.#ahead.length < mostPulses) this.#ahead.push({ tick, at });
    else this.#ahead[mostPulses - 1] = { tick, at };
    if (this.#tick !== undefined) this.at(this.#tick);
  }

  /** `ready`: what the replay says without a question about its lag. */
  judge(maxLagMs: number, ready: HealthReport): HealthReport {
    this.#listen();
    if (!ready.ok) return ready;
    if (ready.role === 'standby') return { ...notReady('a twin does the work: ask it'), role: 'standby' };
    const role = ready.role === undefined ? {} : { role: ready.role };
    const reasons = [...this.#lagReasons(maxLagMs), ...this.#incomplete];
    return { ok: reasons.length === 0, reasons, ...role };
  }

  #lagReasons(maxLagMs: number): string[] {
    if (this.#completeAt === undefined) return ['nothing was heard of the ticker since this was asked first'];
    const lagMs = this.#now() - this.#completeAt;
    return lagMs > maxLagMs ? [`it may lack changes of ${Math.round(lagMs)} ms ago`] : [];
  }

  #listen(): void {
    this.#askedAt = this.#now();
    const bus = this.#bus();
    if (bus === undefined || this.#heard?.bus === bus) return;
    this.#stop();
    this.#heard = { bus, stop: onNotice(bus, pulseSubject(this.#queue), (data) => this.#take(data)) };
  }

  #take(data: Buffer): void {
    if (this.#now() - this.#askedAt > interestMs) this.#stop();
    const said = decodeJson(pulse, data);
    if (said !== undefined) this.hear({ tick: said.tick, at: this.#now() - said.age_ms });
  }

  #stop(): void {
    this.#heard?.stop();
    this.#heard = undefined;
  }
}
