// Where capture goes on: behind the last batch in the stream. Nothing else remembers it.
import { type Bus, getBySequence, lastMessage, type Stored, type StreamState } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { isSameTick, type Position } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type SubscriberRecord, tickInfo } from '@millrace/provider';
import { type BatchHeader, batchSubject, decodeMessage, streamName } from '@millrace/wire';
import { badMessages } from '../metrics.ts';

/** How far back bad messages are looked past. */
const lookBack = 256;

export interface CursorQuestion {
  readonly bus: Bus;
  readonly client: PgClient;
  readonly queue: string;
  readonly provider: string;
  readonly stream: StreamState;
  readonly subscribers: readonly SubscriberRecord[];
}

/**
 * The tick after which the next batch begins; undefined when nobody subscribes. What no subscriber needs is jumped over.
 * Throws PROVIDER_HISTORY when the stream holds batches that the provider never made.
 */
export async function findCursor(question: CursorQuestion): Promise<Position | undefined> {
  const slowest = slowestOf(question.subscribers);
  if (slowest === undefined) return undefined;
  const last = await lastOwnBatch(question);
  if (last === undefined) return slowest;
  const end = endOf(last);
  if (end.tick < slowest.tick) return slowest;
  return end;
}

/** What is complete up to a message: its batch when it is the last chunk, else the batch before. */
function endOf(header: BatchHeader): Position {
  return header.last ? header.tick : header.prev;
}

function slowestOf(subscribers: readonly SubscriberRecord[]): SubscriberRecord | undefined {
  return subscribers.reduce<SubscriberRecord | undefined>(
    (least, one) => (least === undefined || one.tick < least.tick ? one : least),
    undefined,
  );
}

/** Reads a message as a batch of our queue; undefined, and counted, when it is not. */
export function readBatchHeader(message: Stored, queue: string): BatchHeader | undefined {
  try {
    const { header } = decodeMessage(message.data);
    if (header.kind === 'batch' && header.queue === queue) return header;
  } catch {
    // Counted below; the receivers set it aside as well.
  }
  badMessages.add(1);
  return undefined;
}

/**
 * The last batch message that is ours. A strange one that continues the one before it is a history we do not know; one that
 * stands alone behind batches that we know was put there by somebody, and is passed over.
 */
async function lastOwnBatch(question: CursorQuestion): Promise<BatchHeader | undefined> {
  const { bus, queue, stream } = question;
  let strange: BatchHeader | undefined;
  let message = await lastMessage(bus, streamName(queue), batchSubject(queue));
  for (let looked = 0; message !== undefined && looked < lookBack; looked += 1) {
    const header = readBatchHeader(message, queue);
    if (header !== undefined) {
      if (strange !== undefined && continues(strange, header)) throw otherHistory(strange);
      if (await isKnown(question, header)) return header;
      strange ??= header;
    }
    message = await previousBatch(question, Math.min(message.sequence, stream.last + 1));
  }
  if (strange !== undefined) throw otherHistory(strange);
  return undefined;
}

async function previousBatch({ bus, queue, stream }: CursorQuestion, before: number): Promise<Stored | undefined> {
  for (
    let sequence = before - 1, looked = 0;
    sequence >= stream.first && looked < lookBack;
    sequence -= 1, looked += 1
  ) {
    const message = await getBySequence(bus, streamName(queue), sequence);
    if (message?.subject === batchSubject(queue)) return message;
  }
  return undefined;
}

function continues(later: BatchHeader, earlier: BatchHeader): boolean {
  return isSameTick(later.prev, earlier.tick) || isSameTick(later.tick, earlier.tick);
}

/** True when the provider made that tick, or has forgotten it because nobody needs it. */
async function isKnown(
  { client, queue, provider, subscribers }: CursorQuestion,
  header: BatchHeader,
): Promise<boolean> {
  if (header.provider !== provider) return false;
  const end = endOf(header);
  const known = await tickInfo(client, queue, end.tick);
  if (known !== null) return known.fingerprint === end.fingerprint;
  const slowest = slowestOf(subscribers);
  return slowest !== undefined && end.tick < slowest.tick;
}

function otherHistory(header: BatchHeader): MillraceError {
  return providerHistory(`the stream holds tick ${header.tick.tick}, which this provider did not make`);
}

/** The one sentence for a provider that is not the one we followed. */
export function providerHistory(what: string): MillraceError {
  return new MillraceError(codes.PROVIDER_HISTORY, `the provider went back in time or is another one: ${what}`, {
    advice:
      'it was restored from a backup, lost its newest transactions in a failover, or was loaded from a dump; bring back the provider that was followed, or give the set up and begin anew: `millrace uninstall --yes`, `install`, `add`',
  });
}
