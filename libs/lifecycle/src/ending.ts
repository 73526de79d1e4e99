// The end of a process by signals: the first one requests a clean end, a second one ends the process immediately.

export type EndingSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

export interface EndingOptions {
  /** Default: SIGTERM and SIGINT. */
  readonly signals?: readonly EndingSignal[];
  /** Called at the first signal. */
  readonly onFirst?: (signal: EndingSignal) => void;
  /** How long later signals are taken for the echo of the first one. Milliseconds, default 250. */
  readonly echoMs?: number;
  /** Called at every later one that is no echo. Default: the process exits with 130 (SIGINT) or 143. */
  readonly onLater?: (signal: EndingSignal) => void;
}

export interface Ending {
  /** Aborts when the end is requested. */
  readonly signal: AbortSignal;
  /** Resolves then. */
  readonly requested: Promise<void>;
  /** Requests the end from inside: after that a signal is a later one. */
  request(): void;
}

/** npm, timeout and terminals send a signal to the process and once more to its group: that is one request. Milliseconds. */
const usualEchoMs = 250;

/** Listens for signals from now on, for as long as the process lives. */
export function listenForEnd(options: EndingOptions = {}): Ending {
  const { signals = ['SIGTERM', 'SIGINT'], onFirst, onLater = exitAsSignalled, echoMs = usualEchoMs } = options;
  const controller = new AbortController();
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  let requestedAt = 0;
  const request = () => {
    if (controller.signal.aborted) return;
    requestedAt = performance.now();
    controller.abort();
    resolve();
  };
  for (const signal of signals) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        onFirst?.(signal);
        request();
      } else if (performance.now() - requestedAt > echoMs) onLater(signal);
    });
  }
  return { signal: controller.signal, requested, request };
}

function exitAsSignalled(signal: EndingSignal): void {
  process.exit(signal === 'SIGINT' ? 130 : 143);
}
