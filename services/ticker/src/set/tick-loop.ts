// Polls the database for a tick that is due, often while changes arrive, rarely while nothing does. Policy and data of
// ticking are in millrace.tick; here is only the pace, and the news to whoever listens.
import { defineFailpoints, failpoint, RunLoop } from '@millrace/lifecycle';
import type { MadeTick } from '@millrace/provider';
import { batchSpan, counter, gauge, histogram, logger } from '@millrace/telemetry';
import { Pace } from './pace.ts';

export interface TickLoopOptions {
  readonly activeMs: number;
  readonly idleMs: number;
  /** One round trip to the database: makes the tick that is due, or gives null. */
  readonly tick: () => Promise<MadeTick | null>;
  /** The number of the newest tick, queried after a poll that made none. */
  readonly newest: () => Promise<number | null>;
  /** Called now and then: the ticks up to `tick` hold all that was committed `ageMs` ago. As `announce`. */
  readonly pulse: (tick: number, ageMs: number) => void;
  /** Called with every tick; must not wait and must not throw. */
  readonly announce: (tick: MadeTick) => void;
  /** Called after a failure; it may require a new session. */
  readonly onFailed: (error: unknown) => void;
}

const [beforeTick, afterTick] = defineFailpoints('ticker.before-tick', 'ticker.after-tick');

const checks = counter('millrace_tick_checks', 'Polls of the database for a tick that is due');
const ticks = counter('millrace_ticks', 'Ticks made');
const events = counter('millrace_tick_events', 'Events that the ticks made found in the queue');
const seconds = histogram('millrace_tick_seconds', 'Time of a query that made a tick');
const lastTick = gauge('millrace_last_tick', 'Number of the newest tick made by this process');

/** Between two pulses, milliseconds: at the maximal pause of the default pace every poll gives one. */
const pulseMs = 450;

/** The loop that makes ticks. */
export function tickLoop(options: TickLoopOptions): RunLoop {
  const pace = new Pace(options);
  let pulsedAt = Number.NEGATIVE_INFINITY;
  const runOnce = async () => {
    const clock = performance.now();
    const { pause, made } = await tickOnce(options, pace);
    if (performance.now() - pulsedAt < pulseMs) return pause;
    const newest = made?.tick ?? (await options.newest());
    pulsedAt = performance.now();
    if (newest !== null) options.pulse(newest, Math.ceil(pulsedAt - clock));
    return pause;
  };
  return new RunLoop({ name: 'tick loop', runOnce, onFailed: options.onFailed });
}

/** Polls once; gives the pause before the next poll, milliseconds. */
async function tickOnce(
  { tick, announce }: TickLoopOptions,
  pace: Pace,
): Promise<{ pause: number; made: MadeTick | null }> {
  await failpoint(beforeTick);
  const startedAt = Date.now();
  const clock = performance.now();
  const made = await tick();
  const now = performance.now();
  const tookMs = now - clock;
  checks.add(1);
  if (made === null) return { pause: pace.after({ tookMs, foundEvents: false, now }), made };
  await failpoint(afterTick);
  announce(made);
  await record(made, startedAt, tookMs);
  return { pause: pace.after({ tookMs, foundEvents: made.newEvents > 0, now }), made };
}

async function record(made: MadeTick, startedAt: number, tookMs: number): Promise<void> {
  const { tick, fingerprint, newEvents } = made;
  ticks.add(1);
  events.add(newEvents);
  seconds.record(tookMs / 1_000);
  lastTick.set(tick);
  const attributes = { 'millrace.tick': tick, 'millrace.events': newEvents };
  await batchSpan('tick', { fingerprint, root: true, startedAt, attributes }, async () => {});
  const log = logger('tick loop');
  if (log.isLevelEnabled('trace')) log.trace({ tick, fingerprint, events: newEvents }, 'ticked');
}
