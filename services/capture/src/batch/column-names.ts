// One set of column names for a whole batch. A column that is renamed between two statements would have two names in it, and
// a subscriber can have only one of them: it could not apply the batch.
import { makeKind, type SectionKind } from './section-kind.ts';

/** What is known of a table's columns from its events up to here. */
interface Known {
  /** By column number; null: generated. */
  names: Map<number, string | null>;
  /** Other numbers are known to be gone: a whole row has been seen. */
  whole: boolean;
}

/**
 * Learns the names of columns from events in order, and gives older lines the newest name of the same column number. ALTER
 * TABLE waits for writers and writers for it, so the order of events is the order of names. Columns that newer rows no
 * longer have are ignored in older ones: the subscriber may have dropped them already.
 */
export class ColumnNames {
  readonly #tables = new Map<string, Known>();
  readonly #seen = new Set<SectionKind>();
  readonly #newest = new Map<SectionKind, SectionKind>();
  #isComplete = false;

  /** The names of the whole batch are known: nothing is learned any more. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** `whole`: the lines are whole rows, not only keys. */
  learn(kind: SectionKind, whole: boolean): void {
    if (this.#isComplete || kind.numbers === undefined) return;
    this.#seen.add(kind);
    this.#newest.clear();
    const known = this.#tables.get(spaceOf(kind));
    const names = new Map(kind.numbers.of.map((number, at) => [number, kind.columns[at] ?? null]));
    if (whole || known === undefined) this.#tables.set(spaceOf(kind), { names, whole });
    else for (const [number, name] of names) known.names.set(number, name);
  }

  complete(): void {
    this.#isComplete = true;
  }

  /** The kind as it is to be sent; the same object for the same result. */
  newest(kind: SectionKind): SectionKind {
    let found = this.#newest.get(kind);
    if (found !== undefined) return found;
    found = this.#renamed(kind);
    this.#newest.set(kind, found);
    return found;
  }

  #renamed(kind: SectionKind): SectionKind {
    const known = this.#tables.get(spaceOf(kind));
    if (known === undefined || kind.numbers === undefined) return kind;
    const { of } = kind.numbers;
    const columns = kind.columns.map((name, at) => (name === null ? null : newName(name, of[at] ?? 0, known, kind)));
    const names = columns.filter((name) => name !== null);
    // A dropped key column whose name another one took: they cannot be distinguished, so nothing is changed.
    if (new Set(names).size < names.length || isSame(columns, kind.columns)) return kind;
    const key = kind.key.map((name) => columns[kind.columns.indexOf(name)] ?? name);
    for (const other of this.#seen) {
      const fits = other.tableKey === kind.tableKey && other.form === kind.form && other.source === kind.source;
      if (fits && isSame(other.columns, columns) && isSame(other.key, key)) return other;
    }
    const made = makeKind(kind.table, kind.form, { columns, key, numbers: kind.numbers, source: kind.source });
    this.#seen.add(made);
    return made;
  }
}

/** A column of the key is never left out: without it the line identifies no row. */
function newName(name: string, number: number, known: Known, kind: SectionKind): string | null {
  const newest = known.names.get(number);
  if (newest !== undefined) return newest;
  return known.whole && !kind.key.includes(name) ? null : name;
}

/** Numbers are unique within one table only: another one may have taken its name. */
function spaceOf(kind: SectionKind): string {
  return `${kind.numbers?.table} ${kind.tableKey}`;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
