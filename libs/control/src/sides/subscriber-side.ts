import { type Config, needSubscriberUrl } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import type { TableName } from '@millrace/model';
import { applySettings, type PgClient, withTransaction } from '@millrace/postgres';
import {
  dropPending,
  dropPosition,
  followSequence,
  followTable,
  moveTable,
  readControl,
  readPosition,
  readSubscriberOverview,
  type SubscriberOverview,
  setCopy,
  setPaused,
  unfollowSequence,
  unfollowTable,
  writeAudit,
} from '@millrace/subscriber';
import { lockTimeout, Side } from './side.ts';

/** One subscriber's database as the verbs use it: they record desired state there and read reports. */
export class SubscriberSide {
  readonly side: Side;
  readonly queue: string;
  readonly name: string;

  private constructor(side: Side, queue: string, name: string) {
    this.side = side;
    this.queue = queue;
    this.name = name;
  }

  /** Throws CONFIG when the configuration gives no url for it, and as Side.open does. */
  static async open(config: Config, name: string, connectTimeoutMs?: number): Promise<SubscriberSide> {
    const url = needSubscriberUrl(config, name);
    return new SubscriberSide(await Side.open(url, `subscriber ${name}`, connectTimeoutMs), config.queue, name);
  }

  close(): Promise<void> {
    return this.side.close();
  }

  /** Everything at one moment. Throws NOT_INSTALLED when the queue was never set up here. */
  async overview(): Promise<SubscriberOverview> {
    const overview = await this.#do((client) => readSubscriberOverview(client, this.queue));
    if (overview === undefined) throw this.#notSetUp();
    return overview;
  }

  /** Follows a table that is not followed yet. True when it is new. */
  followTable(table: TableName, state: 'registered' | 'ok'): Promise<boolean> {
    return this.#do((client) => followTable(client, this.queue, table, state));
  }

  /** A table that is followed already waits for a copy again; what an earlier copy kept is dropped. */
  followAgain(table: TableName): Promise<void> {
    const clean = { copyAttempt: null, copyTick: null, copiedRows: 0, copiedBytes: 0, error: null };
    return this.#do((client) =>
      withTransaction(client, async () => {
        await dropPending(client, this.queue, table);
        await moveTable(client, this.queue, table, { to: 'registered', ...clean });
      }),
    );
  }

  /** Tells replay which copy fills the table. */
  expectCopy(table: TableName, copyId: number): Promise<void> {
    return this.#do((client) => setCopy(client, this.queue, table, copyId));
  }

  /** True when it was followed. Its rows stay. */
  leaveTable(table: TableName): Promise<boolean> {
    return this.#do((client) => unfollowTable(client, this.queue, table));
  }

  /** True when it is new here. */
  followSequence(sequence: TableName): Promise<boolean> {
    return this.#do((client) => followSequence(client, this.queue, sequence));
  }

  /** True when it was followed here. */
  leaveSequence(sequence: TableName): Promise<boolean> {
    return this.#do((client) => unfollowSequence(client, this.queue, sequence));
  }

  async setPaused(paused: boolean): Promise<void> {
    if (!(await this.#do((client) => setPaused(client, this.queue, paused)))) throw this.#notSetUp();
  }

  /**
   * Forgets the queue here: position, tables, sequences, kept changes. Replicated rows stay. True when there was something.
   * Throws POSITION when the queue is followed here under another name, DATABASE_BUSY while a batch is being applied.
   */
  async forget(): Promise<boolean> {
    await this.#do((client) => applySettings(client, { lock_timeout: lockTimeout }));
    const client = this.side.client;
    try {
      return await this.#do(() =>
        withTransaction(client, async () => {
          const stands = await readPosition(client, this.queue);
          // Without a position (its row was lost) there may still be tables that wait for nothing any more.
          if (stands === undefined && (await readControl(client, this.queue)) === undefined) return false;
          if (stands !== undefined && stands.subscriber !== this.name) throw this.#otherName(stands.subscriber);
          await dropPosition(client, this.queue);
          await writeAudit(client, 'unregister', { queue: this.queue, subscriber: this.name, tick: stands?.tick });
          return true;
        }),
      );
    } catch (error) {
      if (error instanceof MillraceError && error.code === codes.NOT_INSTALLED) return false;
      throw error;
    }
  }

  audit(what: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#do((client) => writeAudit(client, what, { queue: this.queue, ...detail }));
  }

  #do<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.side.run(work);
  }

  #otherName(name: string): MillraceError {
    const text = `subscriber ${this.name}: its database follows this queue as subscriber ${name}`;
    return new MillraceError(codes.POSITION, text, { advice: 'correct the url or the name in the configuration' });
  }

  #notSetUp(): MillraceError {
    const queue = JSON.stringify(this.queue);
    return new MillraceError(codes.NOT_INSTALLED, `subscriber ${this.name}: the queue ${queue} is not set up there`, {
      advice: 'run `millrace install` where the provider and this subscriber can both be reached',
    });
  }
}
