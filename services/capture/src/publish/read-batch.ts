import { type Bus, getBySequence, type Stored, type StreamState, streamState } from '@millrace/bus';
import { type BatchHeader, type Keyring, readMessage, streamName } from '@millrace/wire';
import { badMessages } from '../metrics.ts';
import type { ForeignMessages } from '../subscribers/foreign-messages.ts';

/** How a stored message is judged. */
export interface BatchJudge {
  readonly queue: string;
  readonly keyring: Keyring;
  readonly foreign: ForeignMessages;
}

/** Messages that are requested concurrently. */
const maxConcurrentRequests = 32;

/** The header of a message that is a batch of this queue; undefined, and counted, when it is not. `created`: of its stream. */
export function readBatchHeader(
  message: Stored,
  { queue, keyring, foreign }: BatchJudge,
  created: string,
): BatchHeader | undefined {
  const read = readMessage(keyring, message);
  if (read.kind === 'message') {
    const { header } = read.message;
    if (header.kind === 'batch' && header.queue === queue) return header;
  } else if (read.isForeign) {
    foreign.addOfStream(created, { subject: message.subject, sequence: message.sequence, reason: read.reason });
    return undefined;
  }
  // The receivers set it aside as well.
  badMessages.add(1);
  return undefined;
}

/**
 * Where the stream ends, if nothing behind `last` is signed by us: the cursor then stays where it was. Undefined: somebody who
 * has our key wrote, or the stream is another one.
 */
export async function endBehindForeign(
  bus: Bus,
  judge: BatchJudge,
  { last, created }: { last: number; created: string },
): Promise<StreamState | undefined> {
  const { queue, keyring, foreign } = judge;
  const state = await streamState(bus, streamName(queue));
  if (!keyring.isOn || state === undefined || state.created !== created || state.last < last) return undefined;
  for (let from = Math.max(last + 1, state.first); from <= state.last; from += maxConcurrentRequests) {
    const count = Math.min(maxConcurrentRequests, state.last - from + 1);
    const sequences = Array.from({ length: count }, (_, at) => from + at);
    const stored = await Promise.all(sequences.map((sequence) => getBySequence(bus, streamName(queue), sequence)));
    for (const message of stored) {
      const read = message === undefined ? undefined : readMessage(keyring, message);
      if (message === undefined || read === undefined) continue;
      if (read.kind === 'message' || !read.isForeign) return undefined;
      foreign.addOfStream(created, { subject: message.subject, sequence: message.sequence, reason: read.reason });
    }
  }
  return state;
}
