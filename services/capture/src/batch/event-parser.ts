// The binary COPY of an interval's events, cut into events.
import { codes, MillraceError } from '@millrace/errors';
import { type EventDescription, eventType, type NumberedHead } from './event-head.ts';

/** Takes events. Within one event: begin, then its data in pieces, then end. */
export interface EventSink {
  begin(head: NumberedHead): void;
  write(data: Buffer, from: number, to: number): void;
  end(): void;
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const headerBytes = signature.length + 8;
/** Of ev_extra4. */
const maxDigits = 9;
/** ev_id, ev_type, ev_extra1 … ev_extra4, ev_data. */
const fields = 7;

/**
 * Takes the bytes of `COPY (batch) TO STDOUT (FORMAT binary)` as they arrive and hands the events on. The data of events is
 * passed on without a copy; of the other columns a text is made only to tell one description from another.
 */
export class EventParser {
  readonly #sink: EventSink;
  /** The beginning of an event whose columns have not all arrived. */
  #carry: Buffer | undefined;
  /** Bytes of ev_data that have not arrived; -1: between events. */
  #left = -1;
  #begun = false;
  #ended = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  feed(chunk: Buffer): void {
    let buffer = chunk;
    let at = 0;
    if (this.#carry !== undefined) {
      buffer = Buffer.concat([this.#carry, chunk]);
      this.#carry = undefined;
    }
    if (!this.#begun) {
      if (buffer.length < headerBytes) {
        this.#carry = buffer;
        return;
      }
      at = this.#readHeader(buffer);
    }
    while (at < buffer.length) {
      const next = this.#left >= 0 ? this.#pass(buffer, at) : this.#readHead(buffer, at);
      if (next < 0) {
        this.#carry = buffer.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** Call at the end of the stream. Throws DATABASE_UNREACHABLE when events are missing. */
  finish(): void {
    if (!this.#ended) throw incomplete();
  }

  #readHeader(buffer: Buffer): number {
    if (!buffer.subarray(0, signature.length).equals(signature)) throw incomplete();
    this.#begun = true;
    return headerBytes + buffer.readUInt32BE(headerBytes - 4);
  }

  #pass(buffer: Buffer, at: number): number {
    const end = Math.min(buffer.length, at + this.#left);
    if (end > at) this.#sink.write(buffer, at, end);
    this.#left -= end - at;
    if (this.#left === 0) this.#finishEvent();
    return end;
  }

  #finishEvent(): void {
    this.#left = -1;
    this.#sink.end();
  }

  /** Reads an event's columns up to the length of its data. -1: not all has arrived yet. */
  #readHead(buffer: Buffer, from: number): number {
    if (buffer.length - from < 2) return -1;
    const count = buffer.readInt16BE(from);
    if (count === -1) {
      this.#ended = true;
      return buffer.length;
    }
    if (count !== fields) throw incomplete();
    const marks = columnOffsets(buffer, from + 2);
    if (marks === undefined) return -1;
    const { starts, ends, dataLength, dataAt } = marks;
    const text = (i: number) => buffer.toString('utf8', starts[i] ?? 0, ends[i] ?? 0);
    const [, typeAt = 0, tableAt = 0] = starts;
    const describe = (): EventDescription => ({ table: text(2), columns: text(3), key: text(4) });
    this.#sink.begin({
      type: eventType(buffer.toString('latin1', typeAt, ends[1])),
      id: buffer.toString('latin1', tableAt, ends[4]),
      describe,
      lines: digits(buffer, starts[5] ?? 0, ends[5] ?? 0),
      eventId: () => String(buffer.readBigInt64BE(starts[0] ?? 0)),
    });
    this.#left = Math.max(0, dataLength);
    if (this.#left === 0) this.#finishEvent();
    return dataAt;
  }
}

interface Offsets {
  readonly starts: number[];
  readonly ends: number[];
  readonly dataLength: number;
  readonly dataAt: number;
}

/** Where the six columns before the data lie. */
function columnOffsets(buffer: Buffer, from: number): Offsets | undefined {
  const starts: number[] = [];
  const ends: number[] = [];
  let at = from;
  for (let i = 0; i < fields - 1; i += 1) {
    if (at + 4 > buffer.length) return undefined;
    const length = Math.max(0, buffer.readInt32BE(at));
    starts.push(at + 4);
    at += 4 + length;
    ends.push(at);
  }
  if (at + 4 > buffer.length) return undefined;
  return { starts, ends, dataLength: buffer.readInt32BE(at), dataAt: at + 4 };
}

/** NaN for what is no number, or larger than a trigger ever writes. */
function digits(buffer: Buffer, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = (buffer[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9 || to - from > maxDigits) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function incomplete(): MillraceError {
  return new MillraceError(codes.DATABASE_UNREACHABLE, 'the provider ended the events of a batch before their end');
}
