import { setTimeout as delay } from 'node:timers/promises';
import { type Config, needProvider } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import type { Position, TableName } from '@millrace/model';
import { applySettings, type PgClient } from '@millrace/postgres';
import {
  addSequence,
  addTable,
  ageOfTickAfter,
  cancelCopies,
  checkTable,
  forceTick,
  lockChanges,
  type ProviderOverview,
  readProviderOverview,
  refreshTriggers,
  removeSequence,
  removeTable,
  requestCopy,
  sendSequenceAgain,
  tickInfo,
  unregisterSubscriber,
  wasUnregistered,
} from '@millrace/provider';
import { lockTimeout, Side } from './side.ts';

/** The provider as the verbs use it: they record desired state there and read reports. */
export class ProviderSide {
  readonly side: Side;
  readonly queue: string;

  private constructor(side: Side, queue: string) {
    this.side = side;
    this.queue = queue;
  }

  /** Throws CONFIG when the configuration names no provider, and as Side.open does. */
  static async open(config: Config, connectTimeoutMs?: number): Promise<ProviderSide> {
    const { url } = needProvider(config);
    return new ProviderSide(await Side.open(url, 'the provider', connectTimeoutMs), config.queue);
  }

  close(): Promise<void> {
    return this.side.close();
  }

  /** Everything at one moment. Throws NOT_INSTALLED when the queue has no set. */
  async overview(): Promise<ProviderOverview> {
    const overview = await this.#do((client) => readProviderOverview(client, this.queue));
    if (overview !== undefined) return overview;
    throw new MillraceError(codes.NOT_INSTALLED, `the provider: there is no queue ${JSON.stringify(this.queue)}`, {
      advice: 'run `millrace install`',
    });
  }

  /** Of several commands that change a set only one works at a time; the others wait here until it has ended. */
  async lockChanges(): Promise<void> {
    await this.#do((client) => lockChanges(client, this.queue));
    await this.#do((client) => applySettings(client, { lock_timeout: lockTimeout }));
  }

  /** Has it recorded what changed unseen: a table that was exchanged, rows that came with a partition, disabled triggers. */
  async refreshTriggers(): Promise<void> {
    for (let left = 5; left > 0; left -= 1) {
      const found = await this.#do((client) => refreshTriggers(client, this.queue));
      if (!found.some(({ action }) => action === 'in use, later')) return;
      await delay(100);
    }
  }

  /** A tick that holds all that was committed before the call. */
  forceTick(): Promise<Position> {
    return this.#do((client) => forceTick(client, this.queue));
  }

  /** Milliseconds since the first tick after `tick` was made; undefined when there is none. */
  ageAfter(tick: number): Promise<number | undefined> {
    return this.#do((client) => ageOfTickAfter(client, this.queue, tick));
  }

  /** Whether the queue still has that tick: a subscriber that stands there can be served. */
  async keepsTick(tick: number): Promise<boolean> {
    return (await this.#do((client) => tickInfo(client, this.queue, tick))) !== null;
  }

  /** Whether that very tick was made here. */
  async madeTick({ tick, fingerprint }: Position): Promise<boolean> {
    return (await this.#do((client) => tickInfo(client, this.queue, tick)))?.fingerprint === fingerprint;
  }

  /** Forgets a subscriber; the audit says so. True when it was registered. */
  unregister(subscriber: string): Promise<boolean> {
    return this.#do((client) => unregisterSubscriber(client, this.queue, subscriber));
  }

  /** True when a subscriber of that name was registered once and is not any more. */
  wasUnregistered(subscriber: string): Promise<boolean> {
    return this.#do((client) => wasUnregistered(client, this.queue, subscriber));
  }

  /** True when it is new in the set. Throws DATABASE_BUSY while other sessions hold the table. */
  addTable(table: TableName): Promise<boolean> {
    return this.#do((client) => addTable(client, this.queue, table));
  }

  /** Why the table cannot be replicated (null: it can), and the columns that identify a row. Changes nothing. */
  async checkTable(table: TableName): Promise<{ refusal: string | null; key: readonly string[] }> {
    const found = await this.#do((client) => checkTable(client, table));
    return { refusal: found === undefined ? 'it does not exist' : found.refusal, key: found?.key ?? [] };
  }

  /** True when it was in the set. Throws DATABASE_BUSY while other sessions hold the table. */
  removeTable(table: TableName): Promise<boolean> {
    return this.#do((client) => removeTable(client, this.queue, table));
  }

  /** True when it is new in the set. */
  addSequence(sequence: TableName): Promise<boolean> {
    return this.#do((client) => addSequence(client, this.queue, sequence));
  }

  /** True when it was in the set. */
  removeSequence(sequence: TableName): Promise<boolean> {
    return this.#do((client) => removeSequence(client, this.queue, sequence));
  }

  /** The next tick carries the sequence's value even if it did not move. */
  sendSequenceAgain(sequence: TableName): Promise<void> {
    return this.#do((client) => sendSequenceAgain(client, this.queue, sequence));
  }

  /** Asks for one copy for all these subscribers; its id. */
  requestCopy(table: TableName, subscribers: readonly string[]): Promise<number> {
    return this.#do((client) => requestCopy(client, { queue: this.queue, table, subscribers }));
  }

  /** Cancels the requested copies of the table for these subscribers; what others wait for goes on. */
  async cancelCopies(table: TableName, subscribers: readonly string[]): Promise<void> {
    await this.#do((client) => cancelCopies(client, { queue: this.queue, table, subscribers }));
  }

  #do<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.side.run(work);
  }
}
