import type { PgClient } from '@millrace/postgres';

/** Runs several statements in one go: they are sent without waiting for each other's answers. */
export class Pipeline {
  readonly #client: PgClient & { pipeline?: boolean };
  readonly #running: { result: Promise<unknown>; judge: (rows: { rowCount: number | null; rows: never[] }) => void }[] =
    [];

  constructor(client: PgClient) {
    this.#client = client;
  }

  /** Sends a statement; `judge` looks at its answer, `wrap` gives an error its name. */
  send(
    query: { readonly name?: string; readonly text: string; readonly values?: unknown[] },
    {
      judge = () => {},
      wrap = (error) => error,
    }: {
      judge?: (result: { rowCount: number | null; rows: never[] }) => void;
      wrap?: (error: unknown) => unknown;
    } = {},
  ): void {
    this.#client.pipeline = true;
    const result: Promise<unknown> = (this.#client.query({ ...query }) as Promise<unknown>).catch((error: unknown) => {
      throw wrap(error);
    });
    // Judged in order in `settle`; until then nobody else may complain of it.
    result.catch(() => {});
    this.#running.push({ result, judge: judge as never });
  }

  /** Waits until the session is free again, whatever the answers are. For the way back after an error. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#running.splice(0).map((one) => one.result));
    this.#client.pipeline = false;
  }

  /** Waits for all answers and judges them in order; throws the first thing that is wrong. */
  async settle(): Promise<void> {
    const running = this.#running.splice(0);
    const answers = await Promise.allSettled(running.map((one) => one.result));
    this.#client.pipeline = false;
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'rejected') throw answer.reason;
      running[at]?.judge(answer.value as never);
    }
  }
}
