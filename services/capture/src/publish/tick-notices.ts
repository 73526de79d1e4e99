// The ticker's notices: they save polling, and nothing depends on them.
import { type Bus, onNotice } from '@millrace/bus';
import { readJson, tickNotice, tickSubject } from '@millrace/wire';
import type { CaptureOptions } from '../config.ts';
import type { ForeignMessages } from '../subscribers/foreign-messages.ts';

/** A ticker ticks at least every 10 s; its notices arrive if one did in this time, ms. */
const freshMs = 15_000;
/** Between two polls for ticks while notices arrive, ms. */
const noticedPauseMs = 2500;

export class TickNotices {
  readonly #onNotice: () => void;
  readonly #pollMs: number;
  #stop: (() => void) | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** The newest signed notice: when it was signed. */
  #stamp = 0;

  /** `pollMs`: between two polls while no notices arrive. */
  constructor(pollMs: number, onNotice: () => void) {
    this.#pollMs = pollMs;
    this.#onNotice = onNotice;
  }

  listen(bus: Bus, { queue, keyring }: Pick<CaptureOptions, 'queue' | 'keyring'>, foreign: ForeignMessages): void {
    this.stop();
    // Polls until the first one arrives: a tick may be made just before the bus knows that we listen.
    this.#lastAt = Number.NEGATIVE_INFINITY;
    const subject = tickSubject(queue);
    this.#stop = onNotice(bus, subject, (data, signature) => {
      if (keyring.isOn) {
        const read = readJson(keyring, tickNotice, { author: 'provider', subject, data, signature });
        if (read.kind === 'refused') {
          foreign.add({ subject, sequence: 0, reason: read.reason });
          return;
        }
        // One that came before, sent again: nothing is to be done, and it proves no ticker.
        if (read.stamp !== undefined && read.stamp <= this.#stamp) return;
        this.#stamp = read.stamp ?? 0;
      }
      this.#lastAt = performance.now();
      this.#onNotice();
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** The pause until the next poll, ms; a notice ends it. */
  pauseMs(): number {
    const arrive = performance.now() - this.#lastAt < freshMs;
    return arrive ? Math.max(this.#pollMs, noticedPauseMs) : this.#pollMs;
  }
}
