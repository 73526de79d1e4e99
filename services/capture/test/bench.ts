// For the tests of capture: a provider with a queue, a bus, and subscribers that only report.
import { type Bus, connectBus, putKey } from '@millrace/bus';
import type { Position, TableName } from '@millrace/model';
import { connect, type PgClient } from '@millrace/postgres';
import { createSet, forceTick, installProvider, registerSubscriber } from '@millrace/provider';
import { createDatabase, eventually, sharedNatsUrl, uniqueName } from '@millrace/testkit';
import {
  type BatchHeader,
  batchSubject,
  bucketName,
  bucketSubject,
  Keyring,
  type Message,
  type Report,
  signJson,
  streamName,
} from '@millrace/wire';
import { decodeMessage } from '@millrace/wire/testing';
import { expect, onTestFinished } from 'vitest';
import { makeCapture } from '../src/capture.ts';
import { type CaptureOptions, captureDefaults } from '../src/config.ts';

export interface Bench {
  /** As capture has it. */
  readonly keyring: Keyring;
  readonly url: string;
  readonly queue: string;
  readonly client: PgClient;
  /** Another session; closed when the test ends. */
  open(): Promise<PgClient>;
  readonly bus: Bus;
  readonly busUrl: string;
  /** Starts a capture; the test's end stops it. */
  start(more?: Partial<CaptureOptions>): ReturnType<typeof makeCapture>;
}

export async function makeBench(
  options: { busUrl?: string; major?: number; keys?: readonly string[] } = {},
): Promise<Bench> {
  const database = await createDatabase({ ...(options.major === undefined ? {} : { major: options.major }) });
  const queue = uniqueName('q');
  const open = async () => {
    const session = await connect(database.url, { applicationName: 'test' });
    onTestFinished(() => session.end().catch(() => {}));
    return session;
  };
  const client = await open();
  await installProvider(client);
  await createSet(client, queue);
  const busUrl = options.busUrl ?? sharedNatsUrl();
  const bus = await connectBus(busUrl, { name: 'test' });
  onTestFinished(() => bus.close());
  const keyring = new Keyring(queue, { keys: options.keys ?? [], acceptUnsigned: false });
  const start = (more: Partial<CaptureOptions> = {}) => {
    const capture = makeCapture({
      ...captureDefaults,
      queue,
      providerUrl: database.url,
      busUrl: () => busUrl,
      keyring,
      releaseMs: 50,
      standbyMs: 100,
      pollMs: 50,
      ...more,
    });
    onTestFinished(() => capture.stop());
    return capture;
  };
  return { keyring, url: database.url, queue, client, open, bus, busUrl, start };
}

/** One event as the triggers write it. */
export async function writeEvent(bench: Bench, op: string, table: string, values: string[]): Promise<void> {
  await bench.client.query('SELECT pgq.insert_event($1, $2, $3, $4, $5, $6, $7)', [
    bench.queue,
    op,
    values.map((value) => `(${op},${value},)`).join('\n'),
    JSON.stringify(['public', table]),
    '["id"]',
    '["id"]',
    String(values.length),
  ]);
}

/** Writes one event and makes a tick behind it. */
export async function writeBatch(bench: Bench, values: string[]): Promise<Position> {
  await writeEvent(bench, 'I', 'entry', values);
  return forceTick(bench.client, bench.queue);
}

export interface BatchMessage {
  readonly sequence: number;
  readonly header: BatchHeader;
  readonly body: string;
}

/** All messages of a subject that the stream holds. */
export async function storedBatches(bench: Bench, subject = batchSubject(bench.queue)): Promise<BatchMessage[]> {
  const found: BatchMessage[] = [];
  const info = await bench.bus.streams.streams.info(streamName(bench.queue)).catch(() => undefined);
  if (info === undefined) return [];
  for (let sequence = info.state.first_seq; sequence > 0 && sequence <= info.state.last_seq; sequence += 1) {
    const message = await bench.bus.streams.streams.getMessage(streamName(bench.queue), { seq: sequence });
    if (message === null || message.subject !== subject) continue;
    const { header, body } = decodeMessage(message.data) as Message<BatchHeader>;
    found.push({ sequence, header, body: body.toString() });
  }
  return found;
}

/** Waits until the stream ends with this tick, whole; gives all batches. */
export async function untilStored(bench: Bench, tick: number): Promise<BatchMessage[]> {
  return eventually(async () => {
    const batches = await storedBatches(bench);
    expect(batches.at(-1)?.header).toMatchObject({ tick: { tick }, last: true });
    return batches;
  });
}

/** Waits until every tick from a position on is in the stream, whole, each behind the one before it. */
export async function untilUnbroken(bench: Bench, from: number, to: number): Promise<void> {
  await eventually(
    async () => {
      const whole = (await storedBatches(bench)).map((one) => one.header).filter((header) => header.last);
      let at = from;
      for (const header of whole) if (header.prev.tick === at) at = header.tick.tick;
      expect(at).toBeGreaterThanOrEqual(to);
    },
    { timeoutMs: 30_000, everyMs: 200, what: 'the chain' },
  );
}

/** False when the service is not stopped in this time. */
export async function stopsWithin(capture: ReturnType<typeof makeCapture>, ms: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, ms, false).unref());
  return Promise.race([capture.stop().then(() => true), late]);
}

export const register = (bench: Bench, name: string) => registerSubscriber(bench.client, bench.queue, name);

/** Reports what a replay would report. */
export async function sendReport(
  bench: Bench,
  subscriber: string,
  at: Position,
  more: Partial<Report> = {},
): Promise<void> {
  const provider = (await bench.client.query('SELECT millrace.system_identifier() AS id')).rows[0].id;
  const now = new Date().toISOString();
  const value: Report = {
    v: 1,
    kind: 'report',
    subscriber,
    queue: bench.queue,
    provider,
    tick: at.tick,
    fingerprint: at.fingerprint,
    state: 'running',
    busy: false,
    error: null,
    gap: null,
    tables: [],
    applied_at: now,
    lag_ms: 0,
    at: now,
    ...more,
  };
  const text = JSON.stringify(value);
  const subject = bucketSubject(bench.queue, subscriber);
  const signature = signJson(bench.keyring, { author: { subscriber }, subject, text });
  await putKey(bench.bus, { bucket: bucketName(bench.queue) }, { key: subscriber, value: text, signature });
}

/** A table entry of a report. */
export function copying(
  table: TableName,
  copy: { id: number; attempt: number; chunk: number },
  state: 'copying' | 'ok' = 'copying',
) {
  return { schema: table.schema, name: table.name, state, copied_rows: 0, copied_bytes: 0, copy };
}

export async function recordedTick(bench: Bench, name: string): Promise<number> {
  const { rows } = await bench.client.query('SELECT tick FROM millrace.subscriber WHERE queue = $1 AND name = $2', [
    bench.queue,
    name,
  ]);
  return Number(rows[0]?.tick ?? -1);
}
