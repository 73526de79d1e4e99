import { verdictOf } from '@millrace/errors';
import type { Position } from '@millrace/model';
import { databaseError } from '@millrace/postgres';
import type { Move } from '@millrace/subscriber';
import { batchSpan } from '@millrace/telemetry';
import type { Applied, Applier } from '../apply/applier.ts';
import { DesiredStateChanged, RetryOneByOne } from '../apply/errors/retry-signals.ts';
import type { Followed } from '../apply/plan/followed.ts';
import type { Ready } from '../feed/batch-feed.ts';
import * as metrics from '../report/metrics.ts';

/** Applies what is ready, and measures it. */
export class ApplyStep {
  readonly #applier: Applier;
  readonly #queue: string;
  /**
   * Up to this tick batches are applied one by one: together they failed. The first may be in order, and the table may have
   * to be altered between two of them.
   */
  #oneByOneTo = -1;

  constructor(applier: Applier, queue: string) {
    this.#applier = applier;
    this.#queue = queue;
  }

  isOneByOne({ tick }: Position): boolean {
    return tick < this.#oneByOneTo;
  }

  /**
   * Applies in one transaction; the position moves with it. Throws DesiredStateChanged before anything has changed, and
   * RetryOneByOne for several batches of which one needs a person: the advice would be for a later batch than the next one.
   */
  async run(ready: Ready, followed: Followed): Promise<void> {
    const { to, batches, headers } = ready;
    const attributes = { 'millrace.tick': to.tick, 'millrace.batches': batches };
    const parent = { fingerprint: to.fingerprint, parentTraceparent: headers.at(-1)?.trace };
    const begun = performance.now();
    try {
      const { lines, conflicts } = await batchSpan('apply', { ...parent, attributes }, async (span) => {
        const applied = await this.#apply(ready, followed);
        span.set({ 'millrace.lines': applied.lines });
        return applied;
      });
      metrics.linesApplied.add(lines);
      if (conflicts > 0) metrics.conflictsMet.add(conflicts, { outcome: 'made right' });
      metrics.applySeconds.record((performance.now() - begun) / 1000);
    } catch (error) {
      if (batches === 1 || error instanceof DesiredStateChanged) throw error;
      this.#oneByOneTo = to.tick;
      throw verdictOf(error).action === 'stop' ? new RetryOneByOne('several batches failed together') : error;
    }
  }

  async #apply({ from, to, batches, headers, work, sequence }: Ready, followed: Followed): Promise<Applied> {
    const busHint = sequence === null ? null : { sequence };
    const move: Move = { queue: this.#queue, from, to, batches, busHint, seen: headers.at(-1)?.seen };
    try {
      if ('whole' in work) return await this.#applier.applyWhole(work.whole, followed, move);
      return await this.#applier.applyStream(work.streamed, followed, move);
    } catch (error) {
      throw error instanceof DesiredStateChanged ? error : databaseError(error, 'applying a batch');
    }
  }
}
