// What the bytes of one section have in common, made from the description of an event.
import { parseSource, splitColumns, type TableName, tableKey } from '@millrace/model';
import type { Section } from '@millrace/wire';
import { type EventDescription, readNames, unreadable } from './event-head.ts';

/** One object per kind: compare by identity. */
export interface SectionKind {
  readonly table: TableName;
  /** `tableKey` of it: made once, needed for every event. */
  readonly tableKey: string;
  readonly form: Section['form'];
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
  /** The key's fields among those of a change line, ascending, the operation being number 0. Undefined: not all are there. */
  readonly keyAt: readonly number[] | undefined;
  /** The numbers that the columns have in a table (its oid): they stay when names change. Undefined: not in the event. */
  readonly numbers: { readonly table: string; readonly of: readonly number[] } | undefined;
  /** Numbers and types of the columns as the event has them (`parseSource`); undefined: not in the event. */
  readonly source: string | undefined;
  /** Length of the description in a message's header, bytes. */
  readonly headerBytes: number;
}

type SectionShape = Pick<SectionKind, 'columns' | 'key' | 'numbers' | 'source'>;

/** Counts and flags of a section in the header, at their longest. */
const fixedHeaderBytes = 80;
/** Descriptions change only with DDL; a flood of them must not fill the memory. */
const maxKinds = 10_000;

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
    if (kinds.size >= maxKinds) kinds.clear();
    kinds.set(id, kind);
    return kind;
  }
}

/** Throws INTERNAL for what the capture triggers do not write. */
export function kindOf(event: EventDescription, form: Section['form']): SectionKind {
  const [schema, name, ...rest] = readNames(event.table, false);
  if (typeof schema !== 'string' || typeof name !== 'string' || rest.length > 0) throw unreadable('table');
  const columns = form === 'truncate' ? [] : readNames(event.columns, true);
  const key = form === 'truncate' ? [] : readNames(event.key, false).filter((column) => column !== null);
  return makeKind({ schema, name }, form, { columns, key, ...sourceOf(event.columns, columns.length) });
}

/** A kind with what follows from its description. */
export function makeKind(table: TableName, form: Section['form'], shape: SectionShape): SectionKind {
  const { columns, key, source } = shape;
  const headerBytes = Buffer.byteLength(JSON.stringify({ table, form, columns, key, source })) + fixedHeaderBytes;
  return { table, tableKey: tableKey(table), form, ...shape, keyAt: placesOf(columns, key), headerBytes };
}

/** Where the key's columns stand in a change line, whose first field is the operation. Undefined: not all do. */
function placesOf(columns: SectionKind['columns'], key: readonly string[]): readonly number[] | undefined {
  const places = key.map((name) => columns.indexOf(name) + 1).toSorted((a, b) => a - b);
  return places.length === 0 || places.includes(0) ? undefined : places;
}

/** Undefined when the event does not have them, or not of all columns. */
function sourceOf(text: string, count: number): Pick<SectionKind, 'numbers' | 'source'> {
  const { source } = splitColumns(text);
  const parsed = parseSource(source, count);
  if (parsed === undefined) return { numbers: undefined, source: undefined };
  return { numbers: { table: parsed.relation, of: parsed.columns.map(({ number }) => number) }, source };
}
