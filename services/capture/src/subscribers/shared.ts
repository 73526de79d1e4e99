// What the loops of a leading capture know together. Each field has one writer.
import type { MillraceError } from '@millrace/errors';
import type { Position } from '@millrace/model';
import type { SubscriberRecord } from '@millrace/provider';

export class Shared {
  /** Of the release loop: who subscribes; undefined before it has looked. */
  subscribers: readonly SubscriberRecord[] | undefined;
  /** Of the release loop: all subscribers that are heard follow a history that is not ours. */
  history: MillraceError | undefined;
  /** Of the main line: the last tick it has sent. */
  sent: Position | undefined;
  /** Of the main line: no batch up to this tick is complete in the stream, all after it are; undefined: not known. */
  coveredFrom: number | undefined;
  #listeners = new Set<() => void>();

  /** Tells the others that something they may wait for has changed. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
