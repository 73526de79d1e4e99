// An event without its data: what it says of its row changes, and how its descriptive columns are read.
import { codes, MillraceError } from '@millrace/errors';
import { splitColumns } from '@millrace/model';
import { type SequenceValue, sequenceValue } from '@millrace/wire';

/**
 * What an event says of its lines: I, U, D one operation only; X several, or current rows; T truncate; S sequences.
 * `other`: not for replication (notes for people, events of other programs).
 */
export type EventType = 'I' | 'U' | 'D' | 'X' | 'T' | 'S' | 'other';

/** The descriptive columns of an event, as they are in the queue. */
export interface EventDescription {
  /** ev_extra1: `["schema","table"]`. */
  readonly table: string;
  /** ev_extra2: columns of each line; null: generated. Behind them their numbers and types: `["id","v"] 16421:1i,2v20`. */
  readonly columns: string;
  /** ev_extra3: key columns, with or without the same. */
  readonly key: string;
}

/** One event, without its data. */
export interface EventHead {
  readonly type: EventType;
  /** The same text for the same description; see `SectionKinds`. */
  readonly id: string;
  readonly describe: () => EventDescription;
  /** ev_extra4; NaN: it is no number. */
  readonly lines: number;
}

/** The same with its ev_id. */
export interface NumberedHead extends EventHead {
  readonly eventId: () => string;
}

const types = new Set<string>(['I', 'U', 'D', 'X', 'T', 'S']);

export function eventType(text: string): EventType {
  return types.has(text) ? (text as EventType) : 'other';
}

/** The data of an event S. Throws INTERNAL. */
export function readSequences(text: string): SequenceValue[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw unreadable('sequences');
  }
  if (!Array.isArray(list)) throw unreadable('sequences');
  return list.map((item) => {
    const parsed = sequenceValue.safeParse(item);
    if (!parsed.success) throw unreadable('sequences');
    return parsed.data;
  });
}

/** The names in one descriptive column; null, where allowed: a generated column. Throws INTERNAL. */
export function readNames(text: string, nullable: boolean): (string | null)[] {
  let list: unknown;
  try {
    list = text === '' ? [] : JSON.parse(splitColumns(text).names);
  } catch {
    throw unreadable('names');
  }
  const fits = (item: unknown) => typeof item === 'string' || (nullable && item === null);
  if (!Array.isArray(list) || !list.every(fits)) throw unreadable('names');
  return list;
}

export function unreadable(part: string): MillraceError {
  return new MillraceError(
    codes.INTERNAL,
    `an event of the queue cannot be read: the capture triggers do not write such ${part}`,
    {
      advice: 'find the program that writes into this queue beside the triggers',
    },
  );
}
