import type { HealthReport, Logger } from '@millrace/telemetry';
import type { BackoffBounds } from './backoff.ts';
import { RunningState } from './running-state.ts';
import { notReady, type Service } from './service.ts';

export interface RunLoopOptions {
  /** For logs and reasons: `rotation`. */
  readonly name: string;
  /**
   * One pass. Returns how long to sleep before the next, milliseconds (0: not at all); nothing: `idleMs`.
   * `signal` aborts at stop. A throw is judged by libs/errors: passing faults are retried with growing delay, others
   * with the maximal delay; nothing a pass throws ends the loop.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a pass without return must be allowed
  readonly runOnce: (signal: AbortSignal) => Promise<number | void>;
  /** Sleep after a pass that returns nothing. Milliseconds, default 1,000. */
  readonly idleMs?: number;
  readonly backoff?: BackoffBounds;
  readonly log?: Logger;
  /** For passes that do not heed `signal` at every point: ends the last one when it goes on for too long after `stop`. */
  readonly lastPass?: LastPass;
  /** Called after each failed pass, for example to close a connection. A throw in it is ignored. */
  readonly onFailed?: (error: unknown) => Promise<void> | void;
  /** Called once when the loop has ended, to free what passes keep. A throw in it is ignored. */
  readonly onStopped?: () => Promise<void> | void;
}

export interface LastPass {
  /** How long it may go on after `stop`, milliseconds. */
  readonly graceMs: number;
  /** Makes what the pass waits for fail: closes its session. Nothing may be lost by it. A throw in it is ignored. */
  readonly abort: () => Promise<void> | void;
}

/** Calls `runOnce` again and again until stopped. A service, or a part of one. */
export class RunLoop implements Service {
  readonly #options: RunLoopOptions;
  #state: RunningState | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: RunLoopOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#state?.shouldRun()) return;
    const { name, log, backoff } = this.#options;
    const state = new RunningState({ name, log, backoff });
    this.#state = state;
    // A run begins only after the one before it has freed everything.
    this.#ended = this.#ended.then(() => this.#run(state));
  }

  async stop(): Promise<void> {
    this.#state?.stop();
    const { lastPass } = this.#options;
    const timer = lastPass && setTimeout(() => quietly(lastPass.abort), lastPass.graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Makes the next pass happen now. Harmless when not running. */
  wake(): void {
    this.#state?.wake();
  }

  ready(): HealthReport {
    return this.#state?.ready() ?? notReady(`${this.#options.name} is not started`);
  }

  /** The state of the present run, for reports; undefined before the first start. */
  get state(): RunningState | undefined {
    return this.#state;
  }

  async #run(state: RunningState): Promise<void> {
    while (state.shouldRun()) await this.#pass(state);
    await quietly(() => this.#options.onStopped?.());
  }

  async #pass(state: RunningState): Promise<void> {
    const { runOnce, onFailed, idleMs = 1_000 } = this.#options;
    let pause: number;
    try {
      pause = (await runOnce(state.signal)) ?? idleMs;
      state.succeeded();
    } catch (error) {
      const delayMs = state.failed(error);
      await quietly(() => onFailed?.(error));
      return state.holdOff(delayMs);
    }
    await state.sleep(pause);
  }
}

async function quietly(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch {
    // What fails while cleaning up after a fault says nothing new.
  }
}
