// One tick interval from the queue to the bus.
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { databaseError, type PgClient } from '@millrace/postgres';
import { type Interval, isWhole, readInterval } from '@millrace/provider';
import { batchSpan } from '@millrace/telemetry';
import { streamName } from '@millrace/wire';
import type { BatchTotals } from '../batch/batch-headers.ts';
import { BatchWriter } from '../batch/batch-writer.ts';
import { EventParser } from '../batch/event-parser.ts';
import { Regrouper } from '../batch/regrouper.ts';
import { SectionKinds } from '../batch/section-kind.ts';
import type { ProviderQueue } from '../config.ts';
import {
  batchesPublished,
  bytesPublished,
  ignoredEvents,
  linesPublished,
  publishSeconds,
  readSeconds,
} from '../metrics.ts';
import { type DamagedEvent, EventCheck } from '../set-aside/event-check.ts';
import { noteSetAside } from '../set-aside/note-set-aside.ts';
import { learnNames } from './learn-names.ts';
import { Pacer } from './pacer.ts';
import type { StreamWriter } from './stream-progress.ts';

/** One subject of the stream of batches. */
export interface BatchSubject {
  readonly name: string;
  /** For metrics and traces. */
  readonly line: 'main' | 'backfill';
  /** What may be unread on it before the next message waits, bytes. */
  readonly maxUnreadBytes: number;
}

const [readPoint, sentPoint] = defineFailpoints('capture.read', 'capture.sent');

/**
 * What is gathered before it is sent, bytes. Larger sections of a table are a little cheaper for all receivers, but a subscriber
 * that is behind waits meanwhile; and memory stays bounded.
 */
const windowBytes = 1024 * 1024;
/** A stream whose fastest reader reads nothing for this time is written on nevertheless, ms. */
const paceTimeoutMs = 10_000;

/** Publishes intervals on one subject, for as long as the stream is open. */
export class IntervalPublisher {
  readonly #source: ProviderQueue;
  readonly #writer: StreamWriter;
  readonly #subject: BatchSubject;
  readonly #signal: AbortSignal;
  readonly #pacer: Pacer;
  readonly #kinds = new SectionKinds();

  constructor(source: ProviderQueue, writer: StreamWriter, subject: BatchSubject, signal: AbortSignal) {
    this.#source = source;
    this.#writer = writer;
    this.#subject = subject;
    this.#signal = signal;
    this.#pacer = new Pacer({
      bus: writer.stream.bus,
      stream: streamName(source.queue),
      subject: subject.name,
      maxUnreadBytes: subject.maxUnreadBytes,
      timeoutMs: paceTimeoutMs,
      signal,
    });
  }

  /**
   * Reads an interval's events and sends them as one batch. Returns when the last chunk is sent, not when it is stored. After
   * a throw the session may be in the middle of an answer and must be dropped.
   */
  async publish(client: PgClient, interval: Interval): Promise<BatchTotals> {
    const began = performance.now();
    const { line } = this.#subject;
    const { fingerprint, tick } = interval.tick;
    const totals = await batchSpan('capture', { fingerprint, attributes: { tick, line } }, async (span) => {
      const result = await this.#readAndSend(client, interval, span.traceparent);
      span.set({ lines: result.lines, bytes: result.bytes, chunks: result.chunks });
      return result;
    });
    readSeconds.record((performance.now() - began) / 1000);
    batchesPublished.add(1, { line });
    linesPublished.add(totals.lines);
    bytesPublished.add(totals.bytes);
    return totals;
  }

  async #readAndSend(client: PgClient, interval: Interval, trace: string | undefined): Promise<BatchTotals> {
    const { stream, provider } = this.#writer;
    const { queue } = this.#source;
    const { prev, tick, snapshot, timeline } = interval;
    let stored: Promise<number> | undefined;
    const send = async (message: Buffer) => {
      if (this.#signal.aborted) throw new MillraceError(codes.TIMEOUT, 'capture is stopping');
      ({ stored } = await stream.publisher.send(this.#subject.name, message));
      await failpoint(sentPoint);
      await this.#pacer.sent(message.length);
    };
    const batch = { provider, queue, prev, tick, seen: { snapshot, timeline }, trace };
    const open = () => new BatchWriter(batch, { maxPayload: stream.bus.maxPayload(), send });
    let writer = open();
    let regrouper = new Regrouper(this.#kinds);
    const damaged = await this.#read(client, interval, { regrouper, writer, known: new Set() });
    if (damaged.length > 0) {
      await noteSetAside(this.#source, interval, damaged);
      // Again from its first chunk, as after a crash: receivers forget a batch that begins once more.
      writer = open();
      regrouper = new Regrouper(this.#kinds);
      await this.#read(client, interval, { regrouper, writer, known: new Set(damaged.map(({ id }) => id)) });
    }
    await failpoint(readPoint);
    // Not before this is known may the last chunk leave: without it no subscriber applies the batch.
    if (!(await isWhole(client, queue, interval))) throw emptied(prev.tick);
    await writer.add(regrouper.take());
    const totals = await writer.finish(regrouper.sequences());
    if (regrouper.ignored > 0) ignoredEvents.add(regrouper.ignored);
    recordLatency(stored, tick.time);
    return totals;
  }

  /** Reads all events but the `known` ones; what does not fit into one window is sent. Gives those that cannot be read. */
  async #read(
    client: PgClient,
    interval: Interval,
    { regrouper, writer, known }: { regrouper: Regrouper; writer: BatchWriter; known: ReadonlySet<string> },
  ): Promise<readonly DamagedEvent[]> {
    const check = new EventCheck(this.#kinds, regrouper, known);
    const parser = new EventParser(check);
    try {
      for await (const chunk of readInterval(client, interval)) {
        parser.feed(chunk);
        if (regrouper.bytes < windowBytes || check.damaged.length > 0) continue;
        // Before a part is sent, the names in the rest must be known: what is sent cannot be changed.
        if (!regrouper.names.isComplete) await learnNames(this.#source, interval, regrouper.names);
        await writer.add(regrouper.take());
      }
    } catch (error) {
      throw databaseError(error, 'reading a batch');
    }
    parser.finish();
    return check.damaged;
  }
}

function recordLatency(stored: Promise<number> | undefined, tickTime: string): void {
  const made = Date.parse(tickTime);
  void stored?.then(
    () => publishSeconds.record(Math.max(0, Date.now() - made) / 1000),
    () => {},
  );
}

function emptied(tick: number): MillraceError {
  return new MillraceError(codes.POSITION, `the queue no longer keeps what came after tick ${tick}`, {
    advice: 'a subscriber at that tick was set back or removed; copy its tables again',
  });
}
