import { codes, MillraceError } from '@millrace/errors';
import { tableKey } from '@millrace/model';
import type { SequenceValue } from '@millrace/wire';
import { ColumnNames } from './column-names.ts';
import { type EventDescription, type EventType, readSequences, SectionKinds } from './event-head.ts';
import { SectionBuffer, type SectionKind, walkRecords } from './sections.ts';

/** One event, without its data. */
export interface EventHead {
  readonly type: EventType;
  /** The same text for the same description; see `SectionKinds`. */
  readonly id: string;
  readonly describe: () => EventDescription;
  /** ev_extra4. */
  readonly lines: number;
}

const backslash = 0x5c;
const newline = 0x0a;
const quote = 0x22;
/** `(I,` before and `,)` behind the columns of a line. */
const prefix = 3;
const suffix = 2;
/** Bytes that mean something inside an event of inserts. */
const special = new Uint8Array(256);
for (const byte of [backslash, newline, quote]) special[byte] = 1;
/** Below this a loop beats a call into native code. */
const smallBytes = 192;

/**
 * Gathers the lines of a batch's events by table, in order, between truncates. Order between tables is not kept: a batch is
 * applied in one transaction. Of updates of one row that came one by one the last is kept. Lines are never made strings. Events are given as begin, write…, end; when `bytes` has
 * grown enough the gathered sections are taken away, also in the middle of an event.
 */
export class Regrouper {
  /** Gathered and not taken yet. */
  bytes = 0;
  /** Of the columns, as far as events have told. */
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
  /** Events that are not ours, or only notes. */
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

  /** Inserts go without their ends while the table has had nothing else; a record of no columns would have no ends to take. */
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

/** The event that is being written into its section. */
class OpenEvent {
  section: SectionBuffer;
  readonly #lines: number;
  readonly #strip: boolean;
  /** Lines counted so far, where counting is needed. */
  #counted = 0;
  /** Where in the section the uncounted bytes of this event begin (change form), and whether inside quotes. */
  #from: number;
  #quoted = false;
  /** The last byte was the first of two backslashes. */
  #escaping = false;
  /** Bytes of the present record seen, as far as `prefix` (insert form). */
  #seen = 0;
  /** Where in the section the present record begins (insert form). */
  #recordAt: number;
  /** The present record has bytes in a section that was taken away. */
  #continued = false;
  /** All of the event is in its section; where it begins there. */
  #wholeFrom: number | undefined;

  constructor(section: SectionBuffer, lines: number) {
    this.section = section;
    this.#lines = lines;
    this.#strip = section.kind.form === 'insert';
    this.#from = section.length;
    this.#recordAt = section.length;
    this.#wholeFrom = section.length;
  }

  write(data: Buffer, from: number, to: number): void {
    this.section.reserve(to - from + 1);
    if (this.#strip) this.#writeStripped(data, from, to);
    else this.#writeWhole(data, from, to);
  }

  end(): void {
    const { section } = this;
    section.reserve(1);
    if (this.#strip) {
      this.#endRecord();
      if (this.#counted !== this.#lines) throw damaged();
    } else {
      section.bytes[section.length] = newline;
      section.length += 1;
      section.lines += this.#lines - this.#counted;
      if (this.#lines === 1 && this.#wholeFrom !== undefined) section.last?.took(section, this.#wholeFrom);
      else section.last?.forget();
    }
    section.mark();
  }

  /**
   * Ends the section where it is and opens its continuation. The last bytes of a record without end stay behind: they may be
   * the end that is to be taken off.
   */
  split(): SectionBuffer {
    const part = this.section;
    if (!this.#strip) this.#countWhole();
    const keep = this.#strip ? Math.min(suffix, part.length - this.#recordAt) : 0;
    const kept = Buffer.from(part.bytes.subarray(part.length - keep, part.length));
    part.length -= keep;
    if (this.#strip && part.length > this.#recordAt) this.#continued = true;
    const rest = new SectionBuffer(part.kind, { cont: this.#continued, quoted: this.#quoted !== oddQuotes(kept) });
    rest.reserve(kept.length);
    kept.copy(rest.bytes, 0);
    rest.length = kept.length;
    this.section = rest;
    this.#wholeFrom = undefined;
    this.#from = 0;
    this.#recordAt = 0;
    return rest;
  }

  /** Counts the lines of this event that end in the section; needed only where an event is split. */
  #countWhole(): void {
    const part = this.section;
    const walk = walkRecords(part.bytes, { from: this.#from, to: part.length, quoted: this.#quoted });
    this.#counted += walk.lines;
    part.lines += walk.lines;
    this.#quoted = walk.quoted;
    if (walk.lastEnd >= 0) this.#continued = walk.lastEnd < part.length;
    else if (part.length > this.#from) this.#continued = true;
  }

  #writeWhole(data: Buffer, from: number, to: number): void {
    let start = from;
    for (let at = this.#nextBackslash(data, from, to); at < to; at = this.#nextBackslash(data, at + 1, to)) {
      this.#escaping = !this.#escaping;
      if (this.#escaping) continue;
      this.#copy(data, start, at);
      start = at + 1;
    }
    this.#copy(data, start, to);
  }

  /** `to` when there is none. */
  #nextBackslash(data: Buffer, from: number, to: number): number {
    if (to - from > smallBytes) {
      const found = data.indexOf(backslash, from);
      return found < 0 ? to : found;
    }
    let i = from;
    while (i < to && data[i] !== backslash) i += 1;
    return i;
  }

  #writeStripped(data: Buffer, from: number, to: number): void {
    let quoted = this.#quoted;
    let i = this.#skipPrefix(from, to);
    let start = i;
    for (; i < to; i += 1) {
      const c = data[i] ?? 0;
      if (special[c] === 0) continue;
      if (c === quote) {
        quoted = !quoted;
      } else if (c === backslash) {
        this.#escaping = !this.#escaping;
        if (this.#escaping) continue;
        this.#copy(data, start, i);
        start = i + 1;
      } else if (!quoted) {
        this.#copy(data, start, i);
        this.#endRecord();
        this.#seen = 0;
        start = this.#skipPrefix(i + 1, to);
        i = start - 1;
      }
    }
    this.#copy(data, start, to);
    this.#quoted = quoted;
  }

  /** Passes over what of a record's beginning lies in the data; gives where the rest begins. */
  #skipPrefix(from: number, to: number): number {
    const skipped = Math.min(prefix - this.#seen, to - from);
    this.#seen += skipped;
    return from + skipped;
  }

  #copy(data: Buffer, from: number, to: number): void {
    const { section } = this;
    data.copy(section.bytes, section.length, from, to);
    section.length += to - from;
  }

  /** Takes the end off the record and puts a newline. */
  #endRecord(): void {
    const { section } = this;
    const end = section.length - suffix;
    if (end < this.#recordAt || section.bytes[end] !== 0x2c || section.bytes[end + 1] !== 0x29) throw damaged();
    section.bytes[end] = newline;
    section.length = end + 1;
    section.lines += 1;
    this.#counted += 1;
    this.#recordAt = section.length;
    this.#continued = false;
    section.mark();
  }
}

function oddQuotes(bytes: Uint8Array): boolean {
  let odd = false;
  for (const c of bytes) if (c === quote) odd = !odd;
  return odd;
}

function damaged(): MillraceError {
  return new MillraceError(codes.INTERNAL, 'an event of the queue does not hold the lines it announces');
}
