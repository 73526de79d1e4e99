// What the subscriber's database wants of replay. Read between batches: when the database notifies of a change, and in case that
// was missed after a while without batches.
import { tableKey } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import {
  listPinnedPauses,
  listSequences,
  listTables,
  onDesiredStateChange,
  type PinnedPause,
  readControl,
} from '@millrace/subscriber';
import type { Followed } from '../apply/plan/followed.ts';
import { answerOf } from './answer.ts';
import { noPosition } from './position-errors.ts';

/** What is followed, whether replay pauses, and at which ticks a pause is pinned. */
export interface Desired extends Followed {
  readonly paused: boolean;
  readonly pinnedPauses: readonly PinnedPause[];
}

export interface DesiredStateOptions {
  readonly queue: string;
  readonly client: PgClient;
  /** What was read counts this long, ms. */
  readonly maxAgeMs: number;
  /** Called when the database notifies of a change. */
  readonly onNotified: () => void;
  /** Called with a state that is new. */
  readonly onChanged: (desired: Desired) => void;
}

export class DesiredState {
  readonly #options: DesiredStateOptions;
  #isListening = false;
  #known: Desired | undefined;
  #isOutdated = false;
  #confirmedAt = 0;

  constructor(options: DesiredStateOptions) {
    this.#options = options;
  }

  async current(): Promise<Desired> {
    const known = this.#known;
    const isRecent = !this.#isOutdated && performance.now() - this.#confirmedAt < this.#options.maxAgeMs;
    if (known !== undefined && isRecent) return known;
    this.#isOutdated = false;
    const { queue, client } = this.#options;
    const control = await answerOf(readControl(client, queue));
    if (control === undefined) throw noPosition(queue);
    this.#confirmedAt = performance.now();
    if (known !== undefined && known.generation === control.generation && known.paused === control.paused) return known;
    const tables = await answerOf(listTables(client, queue));
    const sequences = await answerOf(listSequences(client, queue));
    const pinnedPauses = await answerOf(listPinnedPauses(client, queue));
    const desired = {
      ...control,
      pinnedPauses,
      tables: new Map(tables.map((table) => [tableKey(table), table])),
      sequences: new Set(sequences.map(tableKey)),
    };
    this.#known = desired;
    this.#options.onChanged(desired);
    return desired;
  }

  /** Has the database notify of changes, for as long as the session lives. */
  async listen(): Promise<void> {
    if (this.#isListening) return;
    const { client, queue, onNotified } = this.#options;
    const onNotice = () => {
      this.invalidate();
      onNotified();
    };
    await answerOf(onDesiredStateChange(client, queue, onNotice));
    this.#isListening = true;
  }

  /** It may have changed: whether it has is checked at the next `current`. */
  invalidate(): void {
    this.#isOutdated = true;
  }

  /** A batch was applied under this generation: it is still the current one. */
  confirm(): void {
    this.#confirmedAt = performance.now();
  }

  /** It is read again, whatever its generation. */
  forget(): void {
    this.#known = undefined;
  }
}
