import { ensureBucket, getKey, putKey } from '@millrace/bus';
import type { Tick } from '@millrace/model';
import { bucketName, decodeJson, type StartNote, startKey, startNote } from '@millrace/wire';
import type { BusSide } from '../sides/bus-side.ts';

/** Where a subscriber begins, and in whose history. */
export interface Start {
  /** System identifier of the provider's cluster. */
  readonly provider: string;
  readonly tick: Tick;
}

/**
 * Leaves the note of `install` on the provider's side for `install` on a subscriber's host that cannot reach the provider.
 * Makes the bucket when it is missing.
 */
export async function leaveStart({ bus, queue }: BusSide, subscriber: string, start: Start): Promise<void> {
  const bucket = { bucket: bucketName(queue) };
  await ensureBucket(bus, bucket);
  const note: StartNote = { v: 1, kind: 'start', queue, subscriber, ...start };
  await putKey(bus, bucket, { key: startKey(subscriber), value: JSON.stringify(note) });
}

/** Reads the note; undefined when there is none that fits. */
export async function findStart({ bus, queue }: BusSide, subscriber: string): Promise<Start | undefined> {
  const value = await getKey(bus, bucketName(queue), startKey(subscriber));
  const note = value === undefined ? undefined : decodeJson(startNote, value);
  if (note?.queue !== queue || note.subscriber !== subscriber) return undefined;
  return { provider: note.provider, tick: note.tick };
}
