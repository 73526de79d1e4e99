// For tests of the whole service: a subscriber's database with table t, the streams of its queue, and replays of it.
import { type Bus, connectBus, deleteStream, ensureStream, getKey } from '@millrace/bus';
import type { Service } from '@millrace/lifecycle';
import { busToken } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { followTable, setCopy } from '@millrace/subscriber';
import { createDatabase, eventually, query, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import {
  batchSubject,
  bucketName,
  copyStreamName,
  copySubject,
  encodeMessage,
  type Report,
  report as reportSchema,
  sha256Hex,
  streamName,
} from '@millrace/wire';
import { unsignedKeyring } from '@millrace/wire/testing';
import { expect } from 'vitest';
import { type ReplayOptions, replayDefaults } from '../src/config.ts';
import { makeReplay } from '../src/replay.ts';
import { messagesOf, provider, type TestBatch, type TestSection, tickOf } from './test-batches.ts';
import { TestSubscriber } from './test-subscriber.ts';

export const t = { schema: 'public', name: 't' };
const columns = ['id', 'v'];

/** A section that inserts rows of `t`, each a CSV record. */
export function insert(...records: string[]): TestSection {
  return { table: t, form: 'insert', columns, key: ['id'], records };
}

/** A section of changes of `t`, each a composite value. */
export function change(...records: string[]): TestSection {
  return { table: t, form: 'change', columns, key: ['id'], records };
}

/** A copy of `t`: rows with keys from 0 and one value. */
export interface TestCopy {
  readonly id: number;
  readonly attempt: number;
  readonly tick: number;
  readonly rows: number;
  readonly value: string;
  /** A chunk that is lost. */
  readonly leaveOut?: number;
  /** Only these chunks. */
  readonly part?: (chunk: number) => boolean;
}

export class ReplaySite {
  readonly queue: string;
  readonly subscriber: TestSubscriber;
  readonly bus: Bus;
  readonly options: ReplayOptions;
  readonly running: Service[] = [];

  private constructor(queue: string, subscriber: TestSubscriber, bus: Bus) {
    this.queue = queue;
    this.subscriber = subscriber;
    this.bus = bus;
    this.options = {
      ...replayDefaults,
      queue,
      subscriber: 'eu',
      subscriberUrl: subscriber.url,
      busUrl: () => sharedNatsUrl(),
      keyring: unsignedKeyring(queue),
      idleMs: 100,
      retryMs: 300,
      standbyMs: 100,
      chunkTimeoutMs: 1500,
    };
  }

  static async open(): Promise<ReplaySite> {
    const queue = uniqueName('replay');
    const { url } = await createDatabase({ major: 18 });
    const subscriber = await TestSubscriber.open(url, { queue });
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, v text)', t);
    const site = new ReplaySite(queue, subscriber, await connectBus(sharedNatsUrl(), { name: 'test' }));
    await site.makeStreams();
    return site;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.splice(0).map((service) => service.stop()));
    const { queue } = this;
    for (const stream of [streamName(queue), copyStreamName(queue), `KV_${bucketName(queue)}`])
      await deleteStream(this.bus, stream);
    await this.bus.close();
    await this.subscriber.close();
  }

  async makeStreams(): Promise<void> {
    const { bus, queue } = this;
    const subject = (rest: string) => `millrace.${busToken(queue)}.${rest}`;
    const maxBytes = 64 << 20;
    await ensureStream(bus, { name: streamName(queue), subjects: [subject('batch'), subject('backfill.*')], maxBytes });
    await ensureStream(bus, { name: copyStreamName(queue), subjects: [subject('copy.*')], maxBytes });
  }

  /** Starts one more replay; `close` stops it. */
  async start(changes: Partial<ReplayOptions> = {}): Promise<Service> {
    const service = makeReplay({ ...this.options, ...changes });
    this.running.push(service);
    await service.start();
    return service;
  }

  async put(subject: string, data: readonly Uint8Array[]): Promise<void> {
    for (const bytes of data) await this.bus.connection.request(subject, bytes);
  }

  async publish(batch: Omit<TestBatch, 'queue'>, subject = batchSubject(this.queue)): Promise<void> {
    const messages = messagesOf({ queue: this.queue, ...batch });
    await this.put(
      subject,
      messages.map(({ header, body }) => encodeMessage(header, [body])),
    );
  }

  /** The newest report in the bucket. */
  async reported(): Promise<Report> {
    const { value } = (await getKey(this.bus, bucketName(this.queue), 'eu')) ?? {};
    return reportSchema.parse(JSON.parse(value?.toString() ?? 'null'));
  }

  /** Waits until this tick is applied. */
  async isAt(tick: number): Promise<void> {
    await eventually(async () => expect(await this.subscriber.position()).toBe(tick));
  }

  /** The keys of `t`, in order. */
  async ids(): Promise<number[]> {
    return (await query<{ id: number }>(this.subscriber.url, 'SELECT id FROM t ORDER BY id')).map((row) => row.id);
  }

  /** Follows `t` from the beginning, with this copy. */
  async requestCopy(id: number): Promise<void> {
    await this.client.query('DELETE FROM millrace.subscribed_table');
    await followTable(this.client, this.queue, t);
    await setCopy(this.client, this.queue, t, id);
  }

  async publishCopy(copy: TestCopy): Promise<void> {
    await this.put(
      copySubject(this.queue, copy.id),
      encodeCopy(this.queue, copy).filter((_, chunk) => chunk !== copy.leaveOut && (copy.part?.(chunk) ?? true)),
    );
  }

  /** Waits until `t` is reported ok. */
  async isOk(): Promise<void> {
    await eventually(async () => expect((await this.reported()).tables).toMatchObject([{ state: 'ok' }]));
  }

  get client(): PgClient {
    return this.subscriber.client;
  }

  rows(sql: string): Promise<Record<string, unknown>[]> {
    return this.subscriber.rows(sql);
  }
}

function encodeCopy(queue: string, copy: TestCopy): Buffer[] {
  const text = Array.from({ length: copy.rows }, (_, n) => `${n}\t${copy.value}\n`).join('');
  const bodies = text.match(/[\s\S]{1,500}/g)?.map((part) => Buffer.from(part)) ?? [Buffer.alloc(0)];
  return bodies.map((body, chunk) => {
    const last = chunk === bodies.length - 1;
    const header = {
      v: 1 as const,
      kind: 'copy' as const,
      provider,
      queue,
      copy: copy.id,
      attempt: copy.attempt,
      table: t,
      columns,
      tick: tickOf(copy.tick),
      chunk,
      last,
      bytes: body.length,
      sha256: sha256Hex([body]),
      ...(last ? { rows: copy.rows } : {}),
    };
    return encodeMessage(header, [body]);
  });
}
