// One tick interval from the queue to the bus.
import type { Publisher } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { databaseError, disconnect, type PgClient } from '@millrace/postgres';
import { columnsStayed, type Interval, intervalShapes, isWhole, readInterval } from '@millrace/provider';
import { type BatchSpan, batchSpan } from '@millrace/telemetry';
import type { BatchTotals } from '../batch/batch-headers.ts';
import { BatchWriter } from '../batch/batch-writer.ts';
import type { ColumnNames } from '../batch/column-names.ts';
import { EventParser } from '../batch/event-parser.ts';
import { Regrouper } from '../batch/regrouper.ts';
import { kindOf, type SectionKinds } from '../batch/section-kind.ts';
import {
  batchesPublished,
  bytesPublished,
  ignoredEvents,
  linesPublished,
  publishSeconds,
  readSeconds,
} from '../metrics.ts';
import type { Pacer } from './pacer.ts';

export interface IntervalTarget {
  readonly queue: string;
  readonly provider: string;
  readonly subject: string;
  /** `main` or `backfill`, for metrics. */
  readonly line: string;
  readonly publisher: Publisher;
  readonly maxPayload: number;
  readonly kinds: SectionKinds;
  /** Another session with the provider, for a question while events are read. */
  readonly openAnother: () => Promise<PgClient>;
  readonly pacer: Pacer;
  readonly signal: AbortSignal;
}

const [readPoint, sentPoint] = defineFailpoints('capture.read', 'capture.sent');

/**
 * So much is gathered before it is sent. Larger sections of a table are a little cheaper for everybody behind, but who is
 * behind stands still meanwhile; and memory stays flat.
 */
const windowBytes = 1024 * 1024;

/**
 * Reads an interval's events and sends them as one batch. Returns when the last chunk is sent, not when it is stored. After a
 * throw the session may be in the middle of an answer and must be dropped.
 */
export async function publishInterval(
  client: PgClient,
  interval: Interval,
  target: IntervalTarget,
): Promise<BatchTotals> {
  const began = performance.now();
  const { fingerprint, tick } = interval.tick;
  const totals = await batchSpan('capture', { fingerprint, attributes: { tick, line: target.line } }, async (span) => {
    const result = await readAndSend(client, interval, { ...target, span });
    span.set({ lines: result.lines, bytes: result.bytes, chunks: result.chunks });
    return result;
  });
  readSeconds.record((performance.now() - began) / 1000);
  batchesPublished.add(1, { line: target.line });
  linesPublished.add(totals.lines);
  bytesPublished.add(totals.bytes);
  return totals;
}

async function readAndSend(
  client: PgClient,
  interval: Interval,
  target: IntervalTarget & { span: BatchSpan },
): Promise<BatchTotals> {
  let stored: Promise<number> | undefined;
  const { queue, provider, maxPayload, publisher, subject, pacer, signal } = target;
  const { prev, tick } = interval;
  const send = async (message: Buffer) => {
    if (signal.aborted) throw new MillraceError(codes.TIMEOUT, 'capture is stopping');
    ({ stored } = await publisher.send(subject, message));
    await failpoint(sentPoint);
    await pacer.sent(message.length);
  };
  const seen = { snapshot: interval.snapshot, timeline: interval.timeline };
  const { traceparent: trace } = target.span;
  const writer = new BatchWriter({ provider, queue, prev, tick, seen, trace }, { maxPayload, send });
  const regrouper = new Regrouper(target.kinds);
  const parser = new EventParser(regrouper);
  try {
    for await (const chunk of readInterval(client, interval)) {
      parser.feed(chunk);
      if (regrouper.bytes < windowBytes) continue;
      if (!regrouper.names.isComplete) await learnAhead(interval, target, regrouper.names);
      await writer.add(regrouper.take());
    }
  } catch (error) {
    throw databaseError(error, 'reading a batch');
  }
  parser.finish();
  await failpoint(readPoint);
  // Not before this is known may the last chunk leave: without it nobody applies the batch.
  if (!(await isWhole(client, queue, interval))) throw emptied(prev.tick);
  await writer.add(regrouper.take());
  const totals = await writer.finish(regrouper.sequences());
  if (regrouper.ignored > 0) ignoredEvents.add(regrouper.ignored);
  const made = Date.parse(tick.time);
  void stored?.then(
    () => publishSeconds.record(Math.max(0, Date.now() - made) / 1000),
    () => {},
  );
  return totals;
}

/** Before a part is sent it must be known which names the rest will tell: what is sent cannot be changed. */
async function learnAhead(interval: Interval, target: IntervalTarget, names: ColumnNames): Promise<void> {
  const client = await target.openAnother();
  try {
    // To know that nothing was altered costs a look; what was altered, a scan of all the events.
    if (!(await columnsStayed(client, target.queue, interval))) {
      for (const shape of await intervalShapes(client, interval)) {
        const kind = kindOf(shape, 'change');
        names.learn(kind, shape.whole || kind.columns.length > kind.key.length);
      }
    }
    names.complete();
  } finally {
    await disconnect(client);
  }
}

function emptied(tick: number): MillraceError {
  return new MillraceError(codes.POSITION, `the queue no longer keeps what came after tick ${tick}`, {
    advice: 'a subscriber that stands there was set back or taken out; copy its tables again',
  });
}
