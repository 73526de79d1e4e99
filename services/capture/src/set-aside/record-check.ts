// The form of an event's data: as many records as it announces, each with an operation and as many fields as columns.

const backslash = 0x5c;
const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const comma = 0x2c;
const open = 0x28;
const close = 0x29;
/** Bytes that count. */
const special = new Uint8Array(256);
for (const byte of [backslash, newline, carriageReturn, quote, comma]) special[byte] = 1;

export interface RecordShape {
  readonly lines: number;
  /** Fields of each beside the operation. */
  readonly columns: number;
  /** Letters of the operations that it may have. */
  readonly ops: string;
}

/** Takes the data in pieces, as PostgreSQL writes records: `(U,1,"a b",)`, separated by newlines. */
export class RecordCheck {
  readonly #shape: RecordShape;
  readonly #ops: ReadonlySet<number>;
  #quoted = false;
  #lines = 0;
  /** Of the present record: bytes, commas outside quotes, and its last two bytes. */
  #length = 0;
  #commas = 0;
  #last = 0;
  #beforeLast = 0;

  constructor(shape: RecordShape) {
    this.#shape = shape;
    this.#ops = new Set(Buffer.from(shape.ops));
  }

  /** False: it is damaged. */
  write(data: Buffer, from: number, to: number): boolean {
    for (let i = from; i < to; i += 1) {
      const c = data[i] ?? 0;
      if (this.#length < 3 && !this.#begins(c)) return false;
      if (special[c] === 1) {
        if (c === quote) this.#quoted = !this.#quoted;
        else if (!this.#quoted) {
          if (c === comma) this.#commas += 1;
          else if (c !== newline || !this.#ends()) return false;
          else continue;
        }
      }
      this.#length += 1;
      this.#beforeLast = this.#last;
      this.#last = c;
    }
    return true;
  }

  /** False: it is damaged. */
  end(): boolean {
    return this.#ends() && this.#lines === this.#shape.lines;
  }

  #begins(c: number): boolean {
    if (this.#length === 0) return c === open;
    return this.#length === 1 ? this.#ops.has(c) : c === comma;
  }

  /** Ends a record. */
  #ends(): boolean {
    const { lines, columns } = this.#shape;
    const fits = !this.#quoted && this.#commas === columns + 1 && this.#last === close && this.#beforeLast === comma;
    this.#lines += 1;
    this.#length = 0;
    this.#commas = 0;
    this.#last = 0;
    this.#beforeLast = 0;
    return fits && this.#lines <= lines;
  }
}
