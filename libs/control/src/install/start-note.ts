import { ensureBucket, getKey, putKey } from '@millrace/bus';
import { busToken, type Tick } from '@millrace/model';
import { bucketName } from '@millrace/wire';
import { z } from 'zod';
import type { BusSide } from '../sides/bus-side.ts';

/**
 * Where a subscriber begins, left on the bus by `install` on the provider's side for `install` on a subscriber's host
 * that cannot reach the provider. It stands in the bucket of reports under a key that no subscriber's token can be.
 * It is only a message: the provider keeps everything after that tick until the subscriber itself has reported.
 */
const startNote = z.strictObject({
  v: z.literal(1),
  kind: z.literal('start'),
  queue: z.string(),
  subscriber: z.string(),
  provider: z.string().regex(/^[0-9]{1,20}$/),
  tick: z.strictObject({
    tick: z.number().int().min(0),
    fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
    time: z.string().min(20).max(40),
  }),
});

/** Where a subscriber begins, and in whose history. */
export interface Start {
  /** System identifier of the provider's cluster. */
  readonly provider: string;
  readonly tick: Tick;
}

const keyOf = (subscriber: string): string => `start/${busToken(subscriber)}`;

/** Leaves the note. Makes the bucket when it is missing. */
export async function leaveStart({ bus, queue }: BusSide, subscriber: string, start: Start): Promise<void> {
  const bucket = { bucket: bucketName(queue) };
  await ensureBucket(bus, bucket);
  const value = JSON.stringify({ v: 1, kind: 'start', queue, subscriber, ...start } satisfies z.infer<
    typeof startNote
  >);
  await putKey(bus, bucket, { key: keyOf(subscriber), value });
}

/** Reads the note; undefined when there is none that fits. */
export async function findStart({ bus, queue }: BusSide, subscriber: string): Promise<Start | undefined> {
  const value = await getKey(bus, bucketName(queue), keyOf(subscriber));
  if (value === undefined) return undefined;
  try {
    const note = startNote.parse(JSON.parse(value.toString('utf8')));
    return note.queue === queue && note.subscriber === subscriber
      ? { provider: note.provider, tick: note.tick }
      : undefined;
  } catch {
    return undefined;
  }
}
