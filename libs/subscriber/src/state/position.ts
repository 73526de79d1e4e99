import { codes, MillraceError } from '@millrace/errors';
import { type Position, safeInteger, type Tick } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';

/** A subscriber's position, as its row has it. */
export interface StoredPosition extends Position {
  readonly queue: string;
  readonly subscriber: string;
  /** System identifier of the provider's cluster. */
  readonly provider: string;
  /** ISO 8601, UTC; null before the first batch. */
  readonly tickTime: string | null;
  readonly appliedAt: string | null;
  readonly batches: number;
  readonly busHint: BusHint | null;
}

/** Where on the bus the last applied batch ended. Only a hint: the reader checks what it finds there. */
export interface BusHint {
  readonly sequence: number;
}

/** The generation of the desired state and whether replay is paused; read with every batch. */
export interface Control {
  readonly paused: boolean;
  /** Differs after any change of followed tables, sequences or `paused`. */
  readonly generation: number;
}

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const columns = `queue, subscriber, provider, tick, fingerprint, batches, bus_hint::text AS bus_hint,
  ${iso('tick_time')} AS tick_time, ${iso('applied_at')} AS applied_at`;

/** The queue's position here; undefined when the subscriber was never registered, or its row was deleted. */
export async function readPosition(client: Queryable, queue: string): Promise<StoredPosition | undefined> {
  const found = await client.query(`SELECT ${columns} FROM millrace.position WHERE queue = $1`, [queue]);
  return found.rows[0] === undefined ? undefined : fromRow(found.rows[0]);
}

export interface InitialPosition {
  readonly queue: string;
  readonly subscriber: string;
  readonly provider: string;
  readonly tick: Tick;
}

/**
 * Registers a queue at its first tick. An existing position is left alone; the stored one is returned.
 * Throws POSITION when it belongs to another subscriber name or provider.
 */
export async function initPosition(
  client: Queryable,
  { queue, subscriber, provider, tick }: InitialPosition,
): Promise<StoredPosition> {
  await client.query('INSERT INTO millrace.control (queue) VALUES ($1) ON CONFLICT DO NOTHING', [queue]);
  await client.query(
    `INSERT INTO millrace.position (queue, subscriber, provider, tick, fingerprint, tick_time)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [queue, subscriber, provider, tick.tick, tick.fingerprint, tick.time],
  );
  const stored = await readPosition(client, queue);
  if (stored === undefined) throw new MillraceError(codes.INTERNAL, 'the position row vanished while it was made');
  if (stored.subscriber !== subscriber || stored.provider !== provider) {
    throw new MillraceError(
      codes.POSITION,
      `queue ${queue} is followed in this database already, as subscriber ${stored.subscriber}`,
      {
        advice: 'one database follows a queue once; use the name it has, or unregister it first',
      },
    );
  }
  return stored;
}

/** Deletes a queue: position, tables, sequences, pending changes. The replicated data stays. */
export async function dropPosition(client: Queryable, queue: string): Promise<void> {
  for (const table of [
    'subscribed_table',
    'subscribed_sequence',
    'position',
    'control',
    'replay_report',
    'refused_message',
    'hold',
  ]) {
    await client.query(`DELETE FROM millrace.${table} WHERE queue = $1`, [queue]);
  }
}

export interface Move {
  readonly queue: string;
  readonly from: Position;
  readonly to: Tick;
  /** Batches that this move covers. */
  readonly batches: number;
  /** null: the hint that is there stays. */
  readonly busHint: BusHint | null;
  /** What the tick saw of the provider's transactions; left out: not known, what was seen before stays. */
  readonly seen?: Seen | undefined;
}

/** Which of the provider's transactions a tick saw. */
export interface Seen {
  /** `xmin:xmax:xip`. */
  readonly snapshot: string;
  /** The history of the provider in which it is meant. */
  readonly timeline: number;
}

/**
 * Moves the position; to be run first in the transaction that applies the batch, and checked with `movedGeneration`. This is
 * what keeps a second instance, or an owner that was frozen and woke, from applying anything.
 */
export const movePositionSql = `UPDATE millrace.position p SET tick = $4, fingerprint = $5, tick_time = $6::timestamptz,
    applied_at = clock_timestamp(), batches = batches + $7, bus_hint = coalesce($8::jsonb, bus_hint),
    seen_snapshot = coalesce($9, seen_snapshot), seen_timeline = coalesce($10::int, seen_timeline)
  WHERE queue = $1 AND tick = $2 AND fingerprint = $3
  RETURNING (SELECT c.generation FROM millrace.control c WHERE c.queue = p.queue) AS generation`;

/** Its parameters. */
export function movePositionValues(move: Move): unknown[] {
  const { queue, from, to, batches, busHint, seen } = move;
  const hint = busHint === null ? null : JSON.stringify(busHint);
  return [
    queue,
    from.tick,
    from.fingerprint,
    to.tick,
    to.fingerprint,
    to.time,
    batches,
    hint,
    seen?.snapshot,
    seen?.timeline,
  ];
}

/**
 * What `movePositionSql` answered: the generation of the desired state. Throws POSITION unless it moved exactly one row: a second
 * instance or a person moved it meanwhile. Then nothing may be applied.
 */
export function movedGeneration(result: { rows: { generation: string | null }[]; rowCount: number | null }): number {
  const row = result.rows[0];
  if (result.rowCount !== 1 || row === undefined) {
    throw new MillraceError(codes.POSITION, 'the position was moved by another session: another replay or a person');
  }
  return row.generation === null ? 0 : safeInteger(row.generation);
}

/** Locks the position row for the rest of the transaction. Throws POSITION when it is not at `at`. */
export async function lockPosition(client: Queryable, queue: string, at: Position): Promise<void> {
  const locked = await client.query(
    'SELECT 1 FROM millrace.position WHERE queue = $1 AND tick = $2 AND fingerprint = $3 FOR UPDATE',
    [queue, at.tick, at.fingerprint],
  );
  if (locked.rowCount !== 1) throw new MillraceError(codes.POSITION, 'the position was moved by another session');
}

function fromRow(row: Record<string, string | null>): StoredPosition {
  return {
    queue: row['queue'] ?? '',
    subscriber: row['subscriber'] ?? '',
    provider: row['provider'] ?? '',
    tick: safeInteger(row['tick'] ?? ''),
    fingerprint: row['fingerprint'] ?? '',
    tickTime: row['tick_time'] ?? null,
    appliedAt: row['applied_at'] ?? null,
    batches: safeInteger(row['batches'] ?? ''),
    busHint: hintFrom(row['bus_hint'] ?? null),
  };
}

function hintFrom(text: string | null): BusHint | null {
  if (text === null) return null;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('sequence' in value)) return null;
  return Number.isSafeInteger(value.sequence) ? { sequence: value.sequence as number } : null;
}
