// The stream of batches as capture writes it: configured, fenced, checked.
import {
  type Bus,
  ensureStream,
  messageFrom,
  openPublisher,
  type Publisher,
  type StreamDefinition,
  type StreamState,
} from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { backfillSubject, batchSubject, signMessage, streamName } from '@millrace/wire';
import { type BatchJudge, endBehindForeign, readBatchHeader } from './read-batch.ts';

/** One writer of the stream. */
export interface BatchStream {
  readonly bus: Bus;
  /** As it was when opened. */
  readonly opened: StreamState;
  readonly publisher: Publisher;
}

export interface BatchStreamOptions extends BatchJudge {
  readonly maxBytes: number;
}

/** Damaged messages that are skipped at the beginning of the stream. */
const maxDamaged = 64;

/** Makes or repairs the stream and begins to write behind its last message. */
export async function openBatchStream(bus: Bus, options: BatchStreamOptions): Promise<BatchStream> {
  const opened = await ensureStream(bus, definition(options));
  const { queue, keyring, foreign } = options;
  const publisher = openPublisher(bus, {
    stream: streamName(queue),
    lastSequence: opened.last,
    sign: (subject, data, sequence) => signMessage(keyring, { subject, data, sequence }),
    ...(foreign.isGuarded ? { windowMessages: 1 } : {}),
    passForeign: async (last) => (await endBehindForeign(bus, options, { last, created: opened.created }))?.last,
  });
  return { bus, opened, publisher };
}

function definition({ queue, maxBytes }: BatchStreamOptions): StreamDefinition {
  const subjects = [batchSubject(queue), backfillSubject(queue, '*').replace(/[^.]*$/, '*')];
  return { name: streamName(queue), subjects, maxBytes };
}

/** Throws BUS_UNAVAILABLE when the stream is not as this writer left it: made again, rolled back, or written by another program. */
export async function checkBatchStream(stream: BatchStream, options: BatchStreamOptions): Promise<StreamState> {
  const { bus, opened, publisher } = stream;
  const failure = publisher.failure();
  if (failure !== undefined) throw failure;
  const expected = publisher.lastSequence();
  // Restores settings that were altered meanwhile, and makes the stream when it is gone.
  const state = await ensureStream(bus, definition(options));
  const isQuiet = publisher.pending() === 0 && publisher.lastSequence() === expected;
  if (state.created !== opened.created) throw changed('was made again');
  if (!isQuiet || expected === undefined || state.last === expected) return state;
  const end = await endBehindForeign(bus, options, { last: expected, created: opened.created });
  if (end === undefined) throw changed('does not end where this capture stopped writing');
  publisher.skip(expected, end.last);
  return end;
}

/** The tick after which the stream holds every batch whole; undefined when it holds none. */
export async function coverageStart(bus: Bus, judge: BatchJudge, state: StreamState): Promise<number | undefined> {
  const { queue } = judge;
  let sequence = state.first;
  for (let read = 0; read < maxDamaged; read += 1) {
    const message = await messageFrom(bus, streamName(queue), { subject: batchSubject(queue), sequence });
    if (message === undefined) return undefined;
    const header = readBatchHeader(message, judge, state.created);
    if (header !== undefined) return header.chunk === 0 ? header.prev.tick : header.tick.tick;
    sequence = message.sequence + 1;
  }
  return undefined;
}

function changed(how: string): MillraceError {
  return new MillraceError(codes.BUS_UNAVAILABLE, `the stream of batches ${how}; it is filled again from the queue`);
}
