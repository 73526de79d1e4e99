// Several statements are sent together, so that a transaction costs few round trips.
import type { PgClient } from '@millrace/postgres';

export interface PipelinedQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

export interface PipelinedResult {
  readonly rowCount: number | null;
  readonly rows: never[];
}

export interface Answer {
  /** Examines the result; throws when it is not as it should be. */
  readonly judge?: (result: PipelinedResult) => void;
  /** The error to throw in place of the driver's. */
  readonly wrap?: (error: unknown) => unknown;
}

interface Running {
  readonly result: Promise<PipelinedResult>;
  readonly judge: ((result: PipelinedResult) => void) | undefined;
}

/** Sends statements one after the other without waiting for each other's answers. */
export class Pipeline {
  readonly #client: PgClient & { pipeline?: boolean };
  readonly #running: Running[] = [];

  constructor(client: PgClient) {
    this.#client = client;
  }

  send(query: PipelinedQuery, { judge, wrap = (error) => error }: Answer = {}): void {
    this.#client.pipeline = true;
    const sent = this.#client.query({ ...query }) as Promise<unknown> as Promise<PipelinedResult>;
    const result = sent.catch((error: unknown) => {
      throw wrap(error);
    });
    // `settle` throws it in its turn; until then it must not count as an unhandled rejection.
    result.catch(() => {});
    this.#running.push({ result, judge });
  }

  /** Waits for all answers and judges them in order; throws the first thing that is wrong. */
  async settle(): Promise<void> {
    const running = this.#running.splice(0);
    const answers = await Promise.allSettled(running.map(({ result }) => result));
    this.#client.pipeline = false;
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'rejected') throw answer.reason;
      running[at]?.judge?.(answer.value);
    }
  }

  /** Waits until the session is free again, whatever the answers are. For the way back after an error. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#running.splice(0).map(({ result }) => result));
    this.#client.pipeline = false;
  }
}
