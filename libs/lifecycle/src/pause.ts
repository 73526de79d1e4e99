export interface PauseOptions {
  /** Ends the pause when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Given the function that ends the pause; returns how to take it back. */
  readonly wakeOn?: (end: () => void) => () => void;
}

/** Waits `ms`, or until something ends the pause sooner. Never throws, and leaves no listener behind. */
export async function pause(ms: number, { signal, wakeOn }: PauseOptions = {}): Promise<void> {
  if (signal?.aborted === true) return;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  signal?.addEventListener('abort', end);
  const takeBack = wakeOn?.(end);
  await ended;
  takeBack?.();
  signal?.removeEventListener('abort', end);
  clearTimeout(timer);
}
