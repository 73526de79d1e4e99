import { codes, MillraceError } from '@millrace/errors';
import { parseSource, splitColumns, type TableName, tableKey } from '@millrace/model';
import { type Section, type SequenceValue, sequenceValue } from '@millrace/wire';
import type { SectionKind } from './sections.ts';

/**
 * What an event says of its lines: I, U, D one operation only; X several, or current rows; T truncate; S sequences.
 * `other`: nothing for us (notes for people, events of other programs).
 */
export type EventType = 'I' | 'U' | 'D' | 'X' | 'T' | 'S' | 'other';

const types = new Set<string>(['I', 'U', 'D', 'X', 'T', 'S']);

export function eventType(text: string): EventType {
  return types.has(text) ? (text as EventType) : 'other';
}

/** The descriptive columns of an event, as they stand in the queue. */
export interface EventDescription {
  /** ev_extra1: `["schema","table"]`. */
  readonly table: string;
  /** ev_extra2: columns of each line; null: generated. Behind them their numbers and types: `["id","v"] 16421:1i,2v20`. */
  readonly columns: string;
  /** ev_extra3: key columns, with or without the same. */
  readonly key: string;
}

/** Section kinds by what describes them, so that events of one table share one object. */
export class SectionKinds {
  readonly #byForm = {
    insert: new Map<string, SectionKind>(),
    change: new Map<string, SectionKind>(),
    truncate: new Map<string, SectionKind>(),
  };

  /** `id` is any text that is the same for the same description. */
  get(id: string, form: Section['form'], describe: () => EventDescription): SectionKind {
    const kinds = this.#byForm[form];
    const known = kinds.get(id);
    if (known !== undefined) return known;
    const kind = kindOf(describe(), form);
    // Descriptions change only with DDL; a flood of them must not fill the memory.
    if (kinds.size >= 10_000) kinds.clear();
    kinds.set(id, kind);
    return kind;
  }
}

/** Throws INTERNAL for what our triggers do not write. */
export function kindOf(event: EventDescription, form: Section['form']): SectionKind {
  const [schema, name, ...rest] = names(event.table, false);
  if (typeof schema !== 'string' || typeof name !== 'string' || rest.length > 0) throw unreadable('table');
  const table: TableName = { schema, name };
  const columns = form === 'truncate' ? [] : names(event.columns, true);
  const key = form === 'truncate' ? [] : names(event.key, false).filter((column) => column !== null);
  return makeKind(table, form, { columns, key, ...sourceOf(event.columns, columns.length) });
}

/** A kind with what follows from its description. */
export function makeKind(
  table: TableName,
  form: Section['form'],
  shape: Pick<SectionKind, 'columns' | 'key' | 'numbers' | 'source'>,
): SectionKind {
  const { columns, key, source } = shape;
  const headerBytes = Buffer.byteLength(JSON.stringify({ table, form, columns, key, source })) + sectionOverhead;
  return { table, tableKey: tableKey(table), form, ...shape, keyAt: placesOf(columns, key), headerBytes };
}

/** Where the key's columns stand in a change line, whose first field is the operation. Undefined: not all do. */
function placesOf(columns: SectionKind['columns'], key: readonly string[]): readonly number[] | undefined {
  const places = key.map((name) => columns.indexOf(name) + 1).toSorted((a, b) => a - b);
  return places.length === 0 || places.includes(0) ? undefined : places;
}

/** Undefined when the event does not tell them, or not of all columns. */
function sourceOf(text: string, count: number): Pick<SectionKind, 'numbers' | 'source'> {
  const { source } = splitColumns(text);
  const told = parseSource(source, count);
  if (told === undefined) return { numbers: undefined, source: undefined };
  return { numbers: { table: told.relation, of: told.columns.map(({ number }) => number) }, source };
}

/** The data of an event S. */
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

/** Counts and flags of a section in the header, at their longest. */
const sectionOverhead = 80;

function names(text: string, nullable: boolean): (string | null)[] {
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

function unreadable(part: string): MillraceError {
  return new MillraceError(
    codes.INTERNAL,
    `an event of the queue cannot be read: its ${part} are not what our triggers write`,
    {
      advice: 'look for other programs that write into this queue',
    },
  );
}
