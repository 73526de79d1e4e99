// Signs of life of a subconsumer while it works on a batch, so that nobody takes the batch over; and news if somebody has.
import type pg from 'pg';
import { type BatchInfo, nextBatch, type Reader } from './batch-source.ts';

export class Heartbeat {
  readonly #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `lost` is called once when the batch is somebody else's. Does nothing for a reader whose batch is never taken over. */
  constructor(pool: pg.Pool, reader: Reader, batch: BatchInfo, lost: () => void) {
    const { takeOverAfterMs } = reader;
    if (takeOverAfterMs === undefined) return;
    // Asking for the next batch gives the open one and notes the time. Without taking over: this is no time for another's.
    const self: Reader = { ...reader, takeOverAfterMs: undefined };
    const beat = async () => {
      const open = await nextBatch(pool, self).catch(() => batch);
      if (this.#stopped || open?.id === batch.id) return;
      clearInterval(this.#timer);
      lost();
    };
    this.#timer = setInterval(() => {
      this.#beating = this.#beating.then(beat);
    }, takeOverAfterMs / 3);
  }

  /** To be waited for before the batch is finished: a late sign of life would open the next one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#beating;
  }
}
