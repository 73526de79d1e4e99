// The row changes of a batch gathered by table: an event's data goes in, sections come out.
import { tableKey } from '@millrace/model';
import type { SequenceValue } from '@millrace/wire';
import { ColumnNames } from './column-names.ts';
import { type EventHead, readSequences } from './event-head.ts';
import { OpenEvent } from './open-event.ts';
import { SectionBuffer } from './section-buffer.ts';
import { type SectionKind, SectionKinds } from './section-kind.ts';

/**
 * Gathers the lines of a batch's events by table, in order, between truncates. Order between tables is not kept: a batch is
 * applied in one transaction. Of updates of one row that came one by one the last is kept. Lines are never made strings.
 * Events are given as begin, write…, end; when `bytes` has grown enough the gathered sections are taken away, also in the
 * middle of an event.
 */
export class Regrouper {
  /** Gathered and not taken yet. */
  bytes = 0;
  /** Column names, as far as the events up to here have them. */
  readonly names = new ColumnNames();
  readonly #kinds: SectionKinds;
  #sections: SectionBuffer[] = [];
  /** The last section of each table since the last truncate; more lines of the same kind join it. */
  #tails = new Map<string, SectionBuffer>();
  /** Tables with lines that are not plain inserts since the last truncate, in the whole batch. */
  #changed = new Set<string>();
  #event: OpenEvent | undefined;
  #sequenceText: Buffer[] | undefined;
  readonly #sequences = new Map<string, SequenceValue>();
  /** Events of other programs, and notes. */
  ignored = 0;

  constructor(kinds: SectionKinds = new SectionKinds()) {
    this.#kinds = kinds;
  }

  begin(head: EventHead): void {
    this.#event = undefined;
    if (head.type === 'T') this.#truncate(head);
    else if (head.type === 'S') this.#sequenceText = [];
    else if (head.type === 'other') this.ignored += 1;
    else this.#event = new OpenEvent(this.#sectionFor(head), head.lines);
  }

  /** Some of the event's data, in order. */
  write(data: Buffer, from: number, to: number): void {
    const event = this.#event;
    if (event === undefined) {
      this.#sequenceText?.push(Buffer.from(data.subarray(from, to)));
      return;
    }
    const before = event.section.length;
    event.write(data, from, to);
    this.bytes += event.section.length - before;
  }

  end(): void {
    const event = this.#event;
    if (event === undefined) {
      this.#endSequences();
      return;
    }
    const before = event.section.size;
    event.end();
    this.bytes += event.section.size - before;
    this.#event = undefined;
  }

  /**
   * Gives what is gathered, its columns under their newest names; `names` must be complete when this is not all of the
   * batch. Within an event its section comes last, and is continued by the first one given next.
   */
  take(): SectionBuffer[] {
    const taken = this.#cut();
    for (const section of taken) {
      section.last?.compact(section);
      section.kind = this.names.newest(section.kind);
    }
    return taken;
  }

  #cut(): SectionBuffer[] {
    const taken = this.#sections;
    const event = this.#event;
    this.#sections = [];
    this.#tails = new Map();
    this.bytes = 0;
    if (event === undefined) return taken;
    const part = event.section;
    const rest = event.split();
    this.#sections.push(rest);
    this.#tails.set(rest.kind.tableKey, rest);
    this.bytes = rest.length;
    const whole = taken.filter((section) => section !== part);
    return part.length === 0 ? whole : [...whole, part];
  }

  /** The newest value of each sequence that moved. */
  sequences(): SequenceValue[] {
    return [...this.#sequences.values()];
  }

  #endSequences(): void {
    if (this.#sequenceText === undefined) return;
    const text = Buffer.concat(this.#sequenceText).toString('utf8');
    this.#sequenceText = undefined;
    for (const value of readSequences(text)) this.#sequences.set(tableKey(value), value);
  }

  #truncate(head: EventHead): void {
    this.#sections.push(new SectionBuffer(this.#kinds.get(head.id, 'truncate', head.describe)));
    this.#tails = new Map();
    this.#changed = new Set();
  }

  #sectionFor(head: EventHead): SectionBuffer {
    const kind = this.#kindFor(head);
    const key = kind.tableKey;
    const tail = this.#tails.get(key);
    // What continues the sections taken before must come first, the open section last: one cannot be both among others.
    const isStuck = tail?.cont === true && this.#sections.length > 1;
    if (tail !== undefined && tail.kind === kind && !isStuck) return tail;
    const section = new SectionBuffer(kind);
    this.names.learn(kind, head.type === 'I' || head.type === 'U' || kind.columns.length > kind.key.length);
    this.#sections.push(section);
    this.#tails.set(key, section);
    return section;
  }

  /** Inserts are stored without prefix and suffix until the table has another change; a record of no columns has no suffix. */
  #kindFor(head: EventHead): SectionKind {
    if (head.type === 'I') {
      const insert = this.#kinds.get(head.id, 'insert', head.describe);
      if (!this.#changed.has(insert.tableKey) && insert.columns.length > 0) return insert;
    }
    const change = this.#kinds.get(head.id, 'change', head.describe);
    this.#changed.add(change.tableKey);
    return change;
  }
}
