import { type Config, needProvider } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { type Position, safeInteger, type TableName } from '@millrace/model';
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

  /** A tick that holds all that was committed before the call. */
  async forceTick(): Promise<Position> {
    const [row] = await this.side.run<{ tick: string; fingerprint: string }>('force_tick', [this.queue]);
    if (row === undefined) throw new MillraceError(codes.INTERNAL, 'the provider made no tick');
    return { tick: safeInteger(row.tick), fingerprint: row.fingerprint };
  }

  /** Milliseconds since the first tick after `tick` was made; undefined when there is none. */
  async ageAfter(tick: number): Promise<number | undefined> {
    const [row] = await this.side.run<{ age_ms: string }>('next_tick', [this.queue, tick]);
    return row === undefined ? undefined : Math.max(0, safeInteger(row.age_ms));
  }

  async addTable(table: TableName): Promise<void> {
    await this.side.run('add_table', [this.queue, table.schema, table.name]);
  }

  /** Puts the table into the set and takes it back; its key columns. Throws with the server's reason when refused. */
  async tryTable(table: TableName): Promise<string[]> {
    const { client } = this.side;
    await client.query('BEGIN');
    try {
      await this.addTable(table);
      const [row] = await this.side.run<{ key: string[] }>('table_key', [this.queue, table.schema, table.name]);
      return row?.key ?? [];
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  }

  async removeTable(table: TableName): Promise<void> {
    await this.side.run('remove_table', [this.queue, table.schema, table.name]);
  }

  async addSequence(sequence: TableName): Promise<void> {
    await this.side.run('add_sequence', [this.queue, sequence.schema, sequence.name]);
  }

  async removeSequence(sequence: TableName): Promise<void> {
    await this.side.run('remove_sequence', [this.queue, sequence.schema, sequence.name]);
  }

  /** The next tick carries the sequence's value even if it did not move. */
  async sendSequenceAgain(sequence: TableName): Promise<void> {
    await this.side.run('send_sequence_again', [this.queue, sequence.schema, sequence.name]);
  }

  /** Asks for one copy for all these subscribers; its id. */
  async requestCopy(table: TableName, subscribers: readonly string[]): Promise<number> {
    const values = [this.queue, table.schema, table.name, subscribers];
    const [row] = await this.side.run<{ copy_id: string }>('request_copy', values);
    return safeInteger(row?.copy_id ?? '');
  }

  async cancelCopies(table: TableName, subscribers: readonly string[]): Promise<void> {
    await this.side.run('cancel_copies', [this.queue, table.schema, table.name, subscribers]);
  }

  async audit(what: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
    await this.side.run('audit', [what, JSON.stringify({ queue: this.queue, ...detail })]);
  }
}
