// Signs of life of a subconsumer while it works on a batch, so that nobody takes the batch over; and news if somebody has.
import type pg from 'pg';
import { type BatchInfo, nextBatch, type Reader } from '../batch/batch-source.ts';
import { Session } from '../database.ts';

export class Heartbeat {
  readonly #timer: NodeJS.Timeout | undefined;
  #asked: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `lost` is called once when the batch is somebody else's. Does nothing for a reader whose batch is never taken over. */
  constructor(pool: pg.Pool, reader: Reader, batch: BatchInfo, lost: () => void) {
    const { takeOverAfterMs } = reader;
    if (takeOverAfterMs === undefined) return;
    // Asking for the next batch gives the open one and notes the time. Without taking over: this is no time for another's.
    const self: Reader = { ...reader, takeOverAfterMs: undefined };
    const askOn = async ({ client }: Session) => {
      const open = await nextBatch(client, self).catch(() => batch);
      if (this.#stopped || open?.id === batch.id) return;
      clearInterval(this.#timer);
      lost();
    };
    let beating = false;
    this.#timer = setInterval(() => {
      if (beating) return;
      beating = true;
      void this.#beat(pool, askOn).finally(() => {
        beating = false;
      });
    }, takeOverAfterMs / 3);
  }

  /** To be waited for before the batch is finished: a late sign of life would open the next one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#asked;
  }

  // A pool that has no session to spare keeps nobody from finishing: what was not asked by then is not asked at all.
  async #beat(pool: pg.Pool, askOn: (session: Session) => Promise<void>): Promise<void> {
    const session = await Session.open(pool, 'giving a sign of life').catch(() => undefined);
    if (session === undefined) return;
    if (!this.#stopped) {
      this.#asked = askOn(session);
      await this.#asked;
    }
    session.giveBack();
  }
}
