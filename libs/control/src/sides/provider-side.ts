import { setTimeout as delay } from 'node:timers/promises';
import { type Config, needProvider } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { type Position, safeInteger, type TableName } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import {
  addSequence,
  forceTick,
  removeSequence,
  requestCopy,
  tickInfo,
  unregisterSubscriber,
} from '@millrace/provider';
import type { ProviderOverview } from './overviews.ts';
import { Side } from './side.ts';

/** The provider as admin sees it: wishes in, reports out. */
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
    const [row] = await this.side.run<{ overview: string }>('provider_overview', [this.queue]);
    const overview = JSON.parse(row?.overview ?? '{"set":null}') as ProviderOverview;
    if (overview.set === null) {
      throw new MillraceError(codes.NOT_INSTALLED, `the provider: there is no queue ${JSON.stringify(this.queue)}`, {
        advice: 'run `millrace install`',
      });
    }
    return overview;
  }

  /** Of several commands that change a set only one works at a time; the others wait here until it has ended. */
  async lockChanges(): Promise<void> {
    await this.side.run('lock_changes', [this.queue]);
    await this.side.run('lock_timeout', ['500ms']);
  }

  /** Has it recorded what changed unseen: a table that was exchanged, rows that came with a partition, disabled triggers. */
  async lookAfterTriggers(): Promise<void> {
    for (let left = 5; left > 0; left -= 1) {
      const found = await this.side.run<{ action: string | null }>('refresh_triggers', [this.queue]);
      if (!found.some(({ action }) => action === 'in use, later')) return;
      await delay(100);
    }
  }

  /** A tick that holds all that was committed before the call. */
  forceTick(): Promise<Position> {
    return this.#do((client) => forceTick(client, this.queue));
  }

  /** Milliseconds since the first tick after `tick` was made; undefined when there is none. */
  async ageAfter(tick: number): Promise<number | undefined> {
    const [row] = await this.side.run<{ age_ms: string }>('next_tick', [this.queue, tick]);
    return row === undefined ? undefined : Math.max(0, safeInteger(row.age_ms));
  }

  /** Whether the queue still has that tick: a subscriber that stands there can be served. */
  async keepsTick(tick: number): Promise<boolean> {
    const [row] = await this.side.run<{ kept: boolean }>('keeps_tick', [this.queue, tick]);
    return row?.kept === true;
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
  async wasUnregistered(subscriber: string): Promise<boolean> {
    const [row] = await this.side.run<{ was: boolean }>('was_unregistered', [this.queue, subscriber]);
    return row?.was === true;
  }

  async addTable(table: TableName): Promise<void> {
    await this.side.run('add_table', [this.queue, table.schema, table.name]);
  }

  /** Why the table cannot be replicated (null: it can), and the columns that tell its rows apart. Changes nothing. */
  async checkTable(table: TableName): Promise<{ refusal: string | null; key: readonly string[] }> {
    type Row = { refusal: string | null; key: string[] | null };
    const [row] = await this.side.run<Row>('check_table', [table.schema, table.name]);
    return { refusal: row === undefined ? 'it does not exist' : row.refusal, key: row?.key ?? [] };
  }

  async removeTable(table: TableName): Promise<void> {
    await this.side.run('remove_table', [this.queue, table.schema, table.name]);
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
  async sendSequenceAgain(sequence: TableName): Promise<void> {
    await this.side.run('send_sequence_again', [this.queue, sequence.schema, sequence.name]);
  }

  /** Asks for one copy for all these subscribers; its id. */
  requestCopy(table: TableName, subscribers: readonly string[]): Promise<number> {
    return this.#do((client) => requestCopy(client, { queue: this.queue, table, subscribers }));
  }

  /** Withdraws the wish for copies of the table for these subscribers; what others wait for goes on. */
  async cancelCopies(table: TableName, subscribers: readonly string[]): Promise<void> {
    await this.side.run('cancel_copies', [this.queue, table.schema, table.name, subscribers]);
  }

  #do<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.side.asked(() => work(this.side.client));
  }
}
