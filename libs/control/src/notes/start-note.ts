import type { Tick } from '@millrace/model';
import { type StartNote, startKey, startNote } from '@millrace/wire';
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
export async function leaveStart(side: BusSide, subscriber: string, start: Start): Promise<void> {
  const { queue } = side;
  const note: StartNote = { v: 1, kind: 'start', queue, subscriber, ...start };
  await side.leave(startKey(subscriber), note);
}

/** Reads the note; undefined when there is none that fits. */
export async function findStart(side: BusSide, subscriber: string): Promise<Start | undefined> {
  const note = await side.note(startKey(subscriber), startNote);
  if (note?.queue !== side.queue || note.subscriber !== subscriber) return undefined;
  return { provider: note.provider, tick: note.tick };
}
