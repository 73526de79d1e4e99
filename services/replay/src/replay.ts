// Replay: leads or stands by; as leader it takes the next batch from the bus and applies it, again and again.
import { codes, toMillraceError, verdictOf } from '@millrace/errors';
import { defineFailpoints, failpoint, leadOrStandby, RunLoop, type Service } from '@millrace/lifecycle';
import { logger } from '@millrace/telemetry';
import { DesiredStateChanged, RetryOneByOne } from './apply/errors/retry-signals.ts';
import type { ReplayOptions } from './config.ts';
import { ReplayWork } from './loop/replay-work.ts';
import { ReplayLead, type ReplayLease } from './state/lead.ts';

const [AFTER_COMMIT] = defineFailpoints('replay.after-commit');

/** Makes the service; it needs no database or bus to start and waits for both. */
export function makeReplay(options: ReplayOptions): Service {
  const lead = new ReplayLead(options);
  return leadOrStandby<ReplayLease>({
    name: 'replay',
    tryLead: () => lead.tryLead(),
    work: (lease) => replayLoop(options, lease),
    onStopped: () => lead.close(),
    pollMs: options.standbyMs,
  });
}

/** The work of the leader. */
function replayLoop(options: ReplayOptions, lease: ReplayLease): Service {
  const stopper = new AbortController();
  const { signal } = stopper;
  const work = new ReplayWork(options, lease.session, { wake: () => loop.wake(), signal });
  const loop: RunLoop = new RunLoop({
    name: 'replay loop',
    runOnce: () => runOnce(work),
    backoff: { minMs: 100, maxMs: options.retryMs },
    onFailed: async (error) => {
      // The stop itself broke it off.
      if (signal.aborted) return;
      const { code } = toMillraceError(error);
      work.failed(verdictOf(error));
      // On another session: the state of this one is not known.
      if (code === codes.DATABASE_UNREACHABLE || code === codes.INTERNAL) lease.abandon();
    },
    onStopped: () => work.stop(),
    log: logger('replay'),
  });
  return {
    start: () => loop.start(),
    stop: async () => {
      stopper.abort();
      await loop.stop();
    },
    ready: () => loop.ready(),
  };
}

/** One pass: the desired state, tables that are due, the next batches, a report. Returns the pause before the next, ms. */
async function runOnce(work: ReplayWork): Promise<number> {
  const position = await work.position();
  const desired = await work.desired();
  // The first pass ends here, so that a long batch does not keep a replay that works from being ready.
  if (await work.isFirst()) return 0;
  if (desired.paused) return work.rest();
  const pauseMs = await work.pinnedPause(desired, position);
  if (pauseMs !== undefined) return pauseMs;
  if (await work.completeTable(desired, position)) return 0;
  const ready = await work.next(desired, position);
  if (ready === undefined) return work.idle();
  try {
    await work.apply(ready, desired);
    await failpoint(AFTER_COMMIT);
    work.applied(ready);
  } catch (error) {
    if (error instanceof DesiredStateChanged) return work.refresh();
    if (error instanceof RetryOneByOne) return work.retry();
    throw error;
  }
  return 0;
}
