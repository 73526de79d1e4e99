import { setTimeout as delay } from 'node:timers/promises';

/** How long and how often to try. */
export interface EventuallyOptions {
  /** Deadline in ms, default 30,000. It costs time only where a test fails. */
  readonly timeoutMs?: number;
  /** Pause between looks in ms, default 25. */
  readonly everyMs?: number;
  /** What is waited for, for the message of a failure. */
  readonly what?: string;
}

/**
 * Waits for a condition. `look` is called until it neither throws nor gives false or null (undefined counts as done, so
 * that assertions can be looked at); its value is returned. After the deadline the last failure is thrown.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | null>> {
  const { timeoutMs = 30_000, everyMs = 25, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await look();
      if (value !== false && value !== null) return value as Exclude<T, false | null>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      const last = failure instanceof Error ? `: ${failure.message}` : '';
      throw new Error(`${what} did not come to hold within ${timeoutMs} ms${last}`, { cause: failure });
    }
    await delay(everyMs);
  }
}

/**
 * The same for an answer that is looked up: not there while it is undefined, false or null. An error counts as "not yet", since
 * servers are down now and then.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  options: Omit<EventuallyOptions, 'what'> = {},
): Promise<T> {
  const found = await eventually(async () => (await look()) ?? null, { everyMs: 50, ...options, what });
  return found as T;
}
