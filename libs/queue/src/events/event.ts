/** What the database holds of an event, as text. */
export interface RawEvent {
  readonly id: string;
  readonly time: string | null;
  readonly txid: string;
  readonly retry: number;
  readonly type: string | null;
  readonly data: string | null;
  readonly extra: readonly [string | null, string | null, string | null, string | null];
}

/** An event as a consumer sees it. */
export interface QueueEvent<Type extends string | null = string | null, Payload = unknown> {
  /** Number in the queue, taken when it was put in: not the order of commits. */
  readonly id: bigint;
  readonly type: Type;
  readonly payload: Payload;
  /** When it was put in, to the millisecond. */
  readonly time: Date;
  /** Transaction that put it in. */
  readonly txid: bigint;
  /** 1 the first time, 2 after one retry … */
  readonly attempt: number;
  /** ev_data unchanged. */
  readonly data: string | null;
  /** ev_extra1 .. ev_extra4; the fourth has the trace context when the producer gave one. */
  readonly extra: readonly [string | null, string | null, string | null, string | null];
}

/** A row of the event columns. */
export function rawEvent(row: readonly (string | null)[]): RawEvent {
  const [id, time = null, txid, retry, type = null, data = null, e1 = null, e2 = null, e3 = null, e4 = null] = row;
  return { id: id ?? '', time, txid: txid ?? '0', retry: Number(retry ?? 0), type, data, extra: [e1, e2, e3, e4] };
}

/** An event that was read from a batch; it knows its row, which a WeakMap would keep until a late garbage collection. */
class ReadEvent implements QueueEvent {
  readonly id: bigint;
  readonly type: string | null;
  readonly payload: unknown;
  readonly time: Date;
  readonly txid: bigint;
  readonly attempt: number;
  readonly data: string | null;
  readonly extra: RawEvent['extra'];
  readonly #raw: RawEvent;

  constructor(raw: RawEvent, payload: unknown) {
    this.id = BigInt(raw.id);
    this.type = raw.type;
    this.payload = payload;
    this.time = isoDate(raw.time);
    this.txid = BigInt(raw.txid);
    this.attempt = raw.retry + 1;
    this.data = raw.data;
    this.extra = raw.extra;
    this.#raw = raw;
  }

  static rowOf(event: object): RawEvent | undefined {
    return #raw in event ? event.#raw : undefined;
  }
}

export function toEvent(raw: RawEvent, payload: unknown): QueueEvent {
  return new ReadEvent(raw, payload);
}

/** The row of an event that `toEvent` made. */
export function rowOf(event: object): RawEvent | undefined {
  return ReadEvent.rowOf(event);
}

/** How much of memory it takes, roughly: characters of its texts. */
export function sizeOf(raw: RawEvent): number {
  return raw.extra.reduce(
    (sum, text) => sum + (text?.length ?? 0),
    (raw.data?.length ?? 0) + (raw.type?.length ?? 0) + 200,
  );
}

/** PostgreSQL's ISO form, `2026-01-31 12:00:00.123456+05:45`, has a blank and may have an offset of hours alone. */
export function isoDate(text: string | null): Date {
  if (text === null) return new Date(Number.NaN);
  const iso = text.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1');
  return new Date(
    iso.replace(
      /([+-]\d\d)(:\d\d)?(:\d\d)?$/,
      (_all, hours: string, minutes?: string) => `${hours}${minutes ?? ':00'}`,
    ),
  );
}
