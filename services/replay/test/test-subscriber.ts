import { type TableName, tableKey } from '@millrace/model';
import { connect, type PgClient } from '@millrace/postgres';
import {
  type ApplySession,
  followTable,
  initPosition,
  installSubscriber,
  listSequences,
  listTables,
  openApplySession,
  readControl,
  readPosition,
} from '@millrace/subscriber';
import type { SequenceValue } from '@millrace/wire';
import { type Applied, Applier, type ApplierOptions } from '../src/apply/applier.ts';
import type { Followed } from '../src/apply/plan/followed.ts';
import { messagesOf, provider, type TestSection, tickOf, wholeOf } from './test-batches.ts';

export interface TestSubscriberOptions extends Pick<ApplierOptions, 'maxFewRows' | 'minPartLines'> {
  readonly queue?: string;
  readonly conflicts?: ApplierOptions['conflicts'];
  /** Of the role that applies; default: the owner of the tables. */
  readonly replayUrl?: string;
}

/** A database with the schema, a position at tick 1, and an applier. */
export class TestSubscriber {
  readonly url: string;
  readonly queue: string;
  readonly client: PgClient;
  readonly session: ApplySession;
  readonly applier: Applier;
  at = 1;

  private constructor(
    url: string,
    queue: string,
    parts: { client: PgClient; session: ApplySession; applier: Applier },
  ) {
    this.url = url;
    this.queue = queue;
    this.client = parts.client;
    this.session = parts.session;
    this.applier = parts.applier;
  }

  static async open(
    url: string,
    { queue = 'q', conflicts = 'stop', maxFewRows, minPartLines, replayUrl = url }: TestSubscriberOptions = {},
  ): Promise<TestSubscriber> {
    const client = await connect(url, { applicationName: 'test' });
    await installSubscriber(client);
    await initPosition(client, { queue, subscriber: 'eu', provider, tick: tickOf(1) });
    const session = await openApplySession(replayUrl, 'test replay');
    const applier = new Applier({ session, queue, conflicts, maxFewRows, minPartLines });
    return new TestSubscriber(url, queue, { client, session, applier });
  }

  /** Runs SQL and follows the tables it names. */
  async tables(sql: string, ...tables: TableName[]): Promise<void> {
    await this.client.query(sql);
    for (const table of tables) await followTable(this.client, this.queue, table, 'ok');
  }

  async followed(): Promise<Followed> {
    const control = await readControl(this.client, this.queue);
    const tables = await listTables(this.client, this.queue);
    const sequences = await listSequences(this.client, this.queue);
    return {
      generation: control?.generation ?? 0,
      tables: new Map(tables.map((table) => [tableKey(table), table])),
      sequences: new Set(sequences.map(tableKey)),
    };
  }

  /** Applies batches in one transaction. */
  async apply(...batches: readonly (readonly TestSection[])[]): Promise<Applied> {
    const wholes = batches.map((sections, n) => wholeOf({ queue: this.queue, from: this.at + n, sections }));
    const to = this.at + batches.length;
    const move = { queue: this.queue, from: tickOf(this.at), to: tickOf(to), batches: batches.length, busHint: null };
    const done = await this.applier.applyWhole(wholes, await this.followed(), move);
    this.at = to;
    return done;
  }

  /** Applies one batch as if it arrived in chunks. */
  async stream(
    sections: readonly TestSection[],
    chunkBytes: number,
    sequences: readonly SequenceValue[] = [],
  ): Promise<Applied> {
    const chunks = messagesOf({ queue: this.queue, from: this.at, sections, chunkBytes, sequences });
    const [first] = chunks;
    if (first === undefined) throw new Error('no chunk');
    const open = async function* () {
      yield* chunks;
    };
    const move = { queue: this.queue, from: tickOf(this.at), to: tickOf(this.at + 1), batches: 1, busHint: null };
    const done = await this.applier.applyStream(
      { first: first.header, open, putBack: () => {} },
      await this.followed(),
      move,
    );
    this.at += 1;
    return done;
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.client.query(sql)).rows;
  }

  async position(): Promise<number | undefined> {
    return (await readPosition(this.client, this.queue))?.tick;
  }

  async close(): Promise<void> {
    await this.session.client.end();
    await this.client.end();
  }
}
