/** What a server may send on its own in the middle of a COPY, and the answer that opens it: nothing of the data. */
const besides = new Set(['H', 'S', 'N', 'A'].map((code) => code.charCodeAt(0)));
const data = 'd'.charCodeAt(0);
const headBytes = 5;

/**
 * Takes the data of a `COPY … TO STDOUT` out of the messages it comes in, one for each row. The bytes are moved together
 * where they lie: what is given away once is not read again.
 */
export class CopyFrames {
  /** The beginning of a message whose length is not there yet. */
  #head: Buffer | undefined;
  /** Bytes of the present message still to come, and whether they are data. */
  #left = 0;
  #isData = false;

  /**
   * Gives the data in the bytes. `rest`: from there on it is something else, the end or an error; the caller has to see to it,
   * and gives no more bytes.
   */
  take(bytes: Buffer): { data: Buffer; rest: Buffer | undefined } {
    let chunk = bytes;
    if (this.#head !== undefined) {
      chunk = Buffer.concat([this.#head, bytes]);
      this.#head = undefined;
    }
    let to = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const code = chunk[at] ?? 0;
        if (code !== data && !besides.has(code)) return { data: chunk.subarray(0, to), rest: chunk.subarray(at) };
        if (chunk.length - at < headBytes) {
          this.#head = Buffer.from(chunk.subarray(at));
          break;
        }
        this.#isData = code === data;
        this.#left = chunk.readUInt32BE(at + 1) - 4;
        at += headBytes;
      }
      const end = Math.min(chunk.length, at + this.#left);
      if (this.#isData) {
        chunk.copyWithin(to, at, end);
        to += end - at;
      }
      this.#left -= end - at;
      at = end;
    }
    return { data: chunk.subarray(0, to), rest: undefined };
  }
}
