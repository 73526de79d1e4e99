// How far the stream of batches is. Written by the batch publisher, read by the other loops.
import type { Position } from '@millrace/model';
import type { BatchStream } from './batch-stream.ts';

/** The stream of batches opened by its one writer, and whose batches they are. */
export interface StreamWriter {
  readonly stream: BatchStream;
  /** The provider's system identifier. */
  readonly provider: string;
}

export class StreamProgress {
  /** The last tick that was sent. */
  sent: Position | undefined;
  /** No batch up to this tick is complete in the stream, all after it are; undefined: not known. */
  coveredFrom: number | undefined;
  #writer: StreamWriter | undefined;

  /** Undefined while the stream is not open. */
  get writer(): StreamWriter | undefined {
    return this.#writer?.stream.publisher.failure() === undefined ? this.#writer : undefined;
  }

  opened(writer: StreamWriter): void {
    this.#writer = writer;
  }

  closed(): void {
    this.#writer = undefined;
    this.coveredFrom = undefined;
  }
}
