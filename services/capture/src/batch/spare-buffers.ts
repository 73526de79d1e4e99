/** Smaller ones are not kept, nor larger ones, nor more of them. */
const minBytes = 256 * 1024;
const maxBytes = 16 * 1024 * 1024;
const maxBuffers = 4;

/** Large buffers to be used again: making and dropping them for every window costs more than filling them. */
export class SpareBuffers {
  #free: Buffer[] = [];

  take(size: number): Buffer {
    const at = size < minBytes ? -1 : this.#free.findIndex((buffer) => buffer.length >= size);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    return found ?? Buffer.allocUnsafeSlow(size);
  }

  give(buffer: Buffer): void {
    if (buffer.length < minBytes || buffer.length > maxBytes || this.#free.length >= maxBuffers) return;
    this.#free.push(buffer);
    this.#free.sort((a, b) => a.length - b.length);
  }
}
