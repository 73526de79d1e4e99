// Sending: insert_event in the caller's transaction, many events in one round trip.

import { type Queryable, queryRows, queryValue } from '../database.ts';
import * as sql from '../sql.ts';
import type { Codec } from './codec.ts';
import { producerSpan } from './trace.ts';

/** ev_extra1 .. ev_extra4; what is left out is NULL, and the fourth gets the trace context unless it is given. */
export type Extras = readonly [string | null, (string | null)?, (string | null)?, (string | null)?];

export interface SendOptions {
  readonly extra?: Extras;
}

/** An event on its way into a queue. */
export interface Outgoing extends SendOptions {
  readonly type: string;
  readonly payload: unknown;
}

/** How many events, and how much of their text, go in one statement. */
const pieceEvents = 2_000;
const pieceCharacters = 4 << 20;

interface Written {
  readonly type: string;
  readonly data: string | null;
  readonly extra: Extras | undefined;
}

export async function sendOne(client: Queryable, queue: string, codec: Codec, event: Outgoing): Promise<bigint> {
  const data = codec.encode(event.type, event.payload);
  return producerSpan(queue, 1, async (traceparent) => {
    const values = [queue, event.type, data, ...[0, 1, 2, 3].map((n) => extraOf(event.extra, n, traceparent))];
    return BigInt((await queryValue(client, `sending to queue ${queue}`, sql.insertEvent, values)) ?? 0);
  });
}

/** Ids in the order given. All is checked before the first statement of a piece; pieces follow one another. */
export async function sendAll(
  client: Queryable,
  queue: string,
  codec: Codec,
  events: Iterable<Outgoing> | AsyncIterable<Outgoing>,
): Promise<bigint[]> {
  const ids: bigint[] = [];
  for await (const piece of pieces(codec, events)) {
    ids.push(
      ...(await producerSpan(queue, piece.length, (traceparent) => insertPiece(client, queue, piece, traceparent))),
    );
  }
  return ids;
}

async function* pieces(codec: Codec, events: Iterable<Outgoing> | AsyncIterable<Outgoing>): AsyncGenerator<Written[]> {
  let piece: Written[] = [];
  let characters = 0;
  for await (const { type, payload, extra } of events) {
    const data = codec.encode(type, payload);
    piece.push({ type, data, extra });
    characters += data?.length ?? 0;
    if (piece.length < pieceEvents && characters < pieceCharacters) continue;
    yield piece;
    piece = [];
    characters = 0;
  }
  if (piece.length > 0) yield piece;
}

async function insertPiece(
  client: Queryable,
  queue: string,
  piece: readonly Written[],
  traceparent: string | null,
): Promise<bigint[]> {
  const extras = [0, 1, 2, 3].map((n) => piece.map(({ extra }) => extraOf(extra, n, traceparent)));
  const values = [queue, piece.map((e) => e.type), piece.map((e) => e.data), ...extras];
  const rows = await queryRows(client, `sending to queue ${queue}`, sql.insertEvents, values);
  return rows.map(([id]) => BigInt(id ?? 0));
}

function extraOf(extra: Extras | undefined, n: number, traceparent: string | null): string | null {
  const own = extra?.[n];
  return own === undefined && n === 3 ? traceparent : (own ?? null);
}
