// Signs of life of a subconsumer while it works on a batch, so that no other subconsumer takes the batch over; notices when one has.
import type pg from 'pg';
import { type BatchInfo, nextBatch, type Reader } from '../batch/batch-source.ts';
import { Session } from '../database.ts';

export class Heartbeat {
  readonly #timer: NodeJS.Timeout | undefined;
  #refreshed: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `lost` is called once when another subconsumer has the batch. Does nothing for a reader whose batch is never taken over. */
  constructor(pool: pg.Pool, reader: Reader, batch: BatchInfo, lost: () => void) {
    const { takeOverAfterMs } = reader;
    if (takeOverAfterMs === undefined) return;
    // Requesting the next batch gives the open one and notes the time. Without taking over: it must not open another's batch.
    const self: Reader = { ...reader, takeOverAfterMs: undefined };
    const refresh = async ({ client }: Session) => {
      const open = await nextBatch(client, self).catch(() => batch);
      if (this.#stopped || open?.id === batch.id) return;
      clearInterval(this.#timer);
      lost();
    };
    let beating = false;
    this.#timer = setInterval(() => {
      if (beating) return;
      beating = true;
      void this.#beat(pool, refresh).finally(() => {
        beating = false;
      });
    }, takeOverAfterMs / 3);
  }

  /** To be waited for before the batch is finished: a late sign of life would open the next one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#refreshed;
  }

  // A pool that has no session to spare does not delay the end of a batch: a sign of life not begun by then is skipped.
  async #beat(pool: pg.Pool, refresh: (session: Session) => Promise<void>): Promise<void> {
    const session = await Session.open(pool, 'giving a sign of life').catch(() => undefined);
    if (session === undefined) return;
    if (!this.#stopped) {
      this.#refreshed = refresh(session);
      await this.#refreshed;
    }
    session.giveBack();
  }
}
