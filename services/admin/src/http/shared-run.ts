import type { IncomingMessage, ServerResponse } from 'node:http';

/** Work whose result several clients wait for. It is given up when the last of them has left. */
export class SharedRun<T> {
  readonly result: Promise<T>;
  /** When it was begun, ms, monotonic. */
  readonly at = performance.now();
  readonly #leaving = new AbortController();
  #clients = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.result = work(this.#leaving.signal);
    this.result.catch(() => {});
  }

  get isAbandoned(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** The result, for a client that may close its connection before. */
  async for({ request, response }: { request: IncomingMessage; response: ServerResponse }): Promise<T> {
    this.#clients += 1;
    const leave = () => {
      this.#clients -= 1;
      if (this.#clients === 0) this.#leaving.abort();
    };
    if (request.socket.destroyed) leave();
    else response.once('close', leave);
    try {
      return await this.result;
    } finally {
      response.removeListener('close', leave);
    }
  }
}
