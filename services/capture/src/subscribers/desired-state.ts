// News of what an operator wants of this queue: a subscriber, a copy, a pause; also a tick that was made by hand.

import type { PgClient } from '@millrace/postgres';
import { onDesiredState } from '@millrace/provider';
import { Signal } from './signal.ts';

export class DesiredState {
  /** It was changed at the provider, in whatever way. */
  readonly changed = new Signal();
  readonly #queue: string;
  #isListening = false;

  constructor(queue: string) {
    this.#queue = queue;
  }

  /** Listens on this session for as long as it lives; nothing happens at the next call. */
  async listen(client: PgClient): Promise<void> {
    if (this.#isListening) return;
    await onDesiredState(client, this.#queue, () => this.changed.emit());
    this.#isListening = true;
  }
}
