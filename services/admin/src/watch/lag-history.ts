import type { Status } from '@millrace/control/status';
import { z } from 'zod';

export const lagDocument = z.strictObject({
  queue: z.string(),
  samples: z.array(
    z.strictObject({
      at: z.string(),
      lag_ms: z.record(z.string(), z.number().nullable()).describe('by subscriber; null: not known'),
    }),
  ),
});

export type LagDocument = z.infer<typeof lagDocument>;

const keptMs = 15 * 60_000;
const maxSamples = 1_000;

/** The lags that were read in the last quarter of an hour. */
export class LagHistory {
  readonly #queue: string;
  readonly #samples: LagDocument['samples'] = [];

  constructor(queue: string) {
    this.#queue = queue;
  }

  add({ subscribers }: Status, at: Date = new Date()): void {
    const lags = subscribers.map(({ name, lag_ms }) => [name, lag_ms] as const);
    this.#samples.push({ at: at.toISOString(), lag_ms: Object.fromEntries(lags) });
    const old = this.#samples.findIndex((sample) => at.getTime() - Date.parse(sample.at) <= keptMs);
    this.#samples.splice(0, Math.max(old, this.#samples.length - maxSamples));
  }

  document(): LagDocument {
    return { queue: this.#queue, samples: [...this.#samples] };
  }
}
