// Who subscribes. Written by the release loop, read by the others.
import type { MillraceError } from '@millrace/errors';
import type { SubscriberRecord } from '@millrace/provider';
import { Signal } from './signal.ts';

export class Roster {
  /** A subscriber came or went. */
  readonly changed = new Signal();
  #subscribers: readonly SubscriberRecord[] | undefined;
  /** Set while a subscriber's position is no tick of this provider and none of the others' is one. */
  otherHistory: MillraceError | undefined;

  /** Undefined before they were first read. */
  get subscribers(): readonly SubscriberRecord[] | undefined {
    return this.#subscribers;
  }

  update(subscribers: readonly SubscriberRecord[]): void {
    const before = this.#subscribers?.length;
    this.#subscribers = subscribers;
    if (before !== subscribers.length) this.changed.emit();
  }

  /** Throws PROVIDER_HISTORY when nothing may be published. */
  requireSameHistory(): void {
    if (this.otherHistory !== undefined) throw this.otherHistory;
  }
}
