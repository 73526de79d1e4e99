// Where capture continues: behind the last batch in the stream. Nothing else stores it.
import { type Bus, getBySequence, lastMessage, type Stored, type StreamState } from '@millrace/bus';
import type { MillraceError } from '@millrace/errors';
import { isSameTick, type Position } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type SubscriberRecord, tickInfo } from '@millrace/provider';
import { type BatchHeader, batchSubject, type Keyring, streamName } from '@millrace/wire';
import { providerHistory } from './provider-history.ts';
import { type BatchJudge, readBatchHeader } from './read-batch.ts';

/** Messages that are read backwards in search of a batch of this provider. */
const maxStepsBack = 256;
/** Likewise where it is known which messages are ours, so that any number of others may lie behind them. */
const maxSignedStepsBack = 20_000;

export interface CursorContext extends BatchJudge {
  readonly bus: Bus;
  readonly client: PgClient;
  readonly provider: string;
  readonly stream: StreamState;
  readonly subscribers: readonly SubscriberRecord[];
}

/**
 * The tick after which the next batch begins; undefined without subscribers. What no subscriber needs is skipped. Throws
 * PROVIDER_HISTORY when the stream holds batches that the provider never made.
 */
export async function findCursor(context: CursorContext): Promise<Position | undefined> {
  const slowest = slowestOf(context.subscribers);
  if (slowest === undefined) return undefined;
  const last = await lastOwnBatch(context);
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
    (slowest, one) => (slowest === undefined || one.tick < slowest.tick ? one : slowest),
    undefined,
  );
}

/**
 * The last batch of this provider. An unknown one that continues the one before it is another history; an unknown one that
 * stands alone behind known batches was written by another program, and is skipped.
 */
async function lastOwnBatch(context: CursorContext): Promise<BatchHeader | undefined> {
  const { bus, queue, stream, keyring } = context;
  const maxSteps = keyring.isOn ? maxSignedStepsBack : maxStepsBack;
  let unknown: BatchHeader | undefined;
  let message = await lastMessage(bus, streamName(queue), batchSubject(queue));
  for (let steps = 0; message !== undefined && steps < maxSteps; steps += 1) {
    const header = readBatchHeader(message, context, stream.created);
    if (header !== undefined) {
      if (unknown !== undefined && continues(unknown, header)) throw otherHistory(unknown, keyring);
      if (await isKnown(context, header)) return header;
      unknown ??= header;
    }
    message = await previousBatch(context, Math.min(message.sequence, stream.last + 1));
  }
  if (unknown !== undefined) throw otherHistory(unknown, keyring);
  return undefined;
}

async function previousBatch({ bus, queue, stream }: CursorContext, before: number): Promise<Stored | undefined> {
  const first = Math.max(stream.first, before - maxStepsBack);
  for (let sequence = before - 1; sequence >= first; sequence -= 1) {
    const message = await getBySequence(bus, streamName(queue), sequence);
    if (message?.subject === batchSubject(queue)) return message;
  }
  return undefined;
}

function continues(later: BatchHeader, earlier: BatchHeader): boolean {
  return isSameTick(later.prev, earlier.tick) || isSameTick(later.tick, earlier.tick);
}

/** True when the provider made that tick, or has deleted it because no subscriber needs it. */
async function isKnown({ client, queue, provider, subscribers }: CursorContext, header: BatchHeader): Promise<boolean> {
  if (header.provider !== provider) return false;
  const end = endOf(header);
  const known = await tickInfo(client, queue, end.tick);
  if (known !== null) return known.fingerprint === end.fingerprint;
  const slowest = slowestOf(subscribers);
  return slowest !== undefined && end.tick < slowest.tick;
}

function otherHistory(header: BatchHeader, { isOn }: Keyring): MillraceError {
  const what = `the stream holds tick ${header.tick.tick}, which this provider did not make`;
  return isOn
    ? providerHistory(what)
    : providerHistory(`${what}; or somebody else wrote it: without bus.key that is not known`);
}
