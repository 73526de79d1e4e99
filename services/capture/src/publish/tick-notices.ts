// The ticker's notices: they save polling, and nothing depends on them.
import { type Bus, onNotice } from '@millrace/bus';
import { tickSubject } from '@millrace/wire';

/** A ticker ticks at least every 10 s; its notices arrive if one did in this time, ms. */
const freshMs = 15_000;
/** Between two polls for ticks while notices arrive, ms. */
const noticedPauseMs = 2500;

export class TickNotices {
  readonly #onNotice: () => void;
  readonly #pollMs: number;
  #stop: (() => void) | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** `pollMs`: between two polls while no notices arrive. */
  constructor(pollMs: number, onNotice: () => void) {
    this.#pollMs = pollMs;
    this.#onNotice = onNotice;
  }

  listen(bus: Bus, queue: string): void {
    this.stop();
    // Polls until the first one arrives: a tick may be made just before the bus knows that we listen.
    this.#lastAt = Number.NEGATIVE_INFINITY;
    this.#stop = onNotice(bus, tickSubject(queue), () => {
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
