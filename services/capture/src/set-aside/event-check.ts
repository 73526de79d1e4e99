// Whether an event is one that the capture triggers write. Others stand in the queue when somebody with the owner's rights put
// them there, or when its pages are damaged: they are set aside, and stop nobody.
import { type TableName, tableKey } from '@millrace/model';
import { type NumberedHead, readNames, readSequences } from '../batch/event-head.ts';
import type { EventSink } from '../batch/event-parser.ts';
import type { SectionKinds } from '../batch/section-kind.ts';
import { RecordCheck } from './record-check.ts';

/** An event that cannot be read. */
export interface DamagedEvent {
  /** ev_id. */
  readonly id: string;
  /** Its table; undefined: that cannot be read either, or it has none. */
  readonly table: TableName | undefined;
}

/** Sequences that are longer are no event of ours, bytes. */
const maxSequenceBytes = 16 * 1024 * 1024;

/**
 * Stands before a sink. Passes on the events whose ids are not among `known`, and checks them; once one is found to be
 * damaged nothing is passed on any more: what came out must be thrown away, and the events read again, now that it is known.
 */
export class EventCheck implements EventSink {
  readonly damaged: DamagedEvent[] = [];
  readonly #kinds: SectionKinds;
  readonly #sink: EventSink;
  readonly #known: ReadonlySet<string>;
  #head: NumberedHead | undefined;
  #records: RecordCheck | undefined;
  #sequences: Buffer[] | undefined;
  #bytes = 0;

  constructor(kinds: SectionKinds, sink: EventSink, known: ReadonlySet<string>) {
    this.#kinds = kinds;
    this.#sink = sink;
    this.#known = known;
  }

  begin(head: NumberedHead): void {
    this.#head = this.#known.size > 0 && this.#known.has(head.eventId()) ? undefined : head;
    this.#records = undefined;
    this.#sequences = head.type === 'S' ? [] : undefined;
    this.#bytes = 0;
    if (this.#head === undefined) return;
    try {
      if (head.type === 'T') this.#kinds.get(head.id, 'truncate', head.describe);
      else if (head.type !== 'S' && head.type !== 'other') this.#records = this.#recordsOf(head);
    } catch {
      this.#setAside();
      return;
    }
    if (this.damaged.length === 0) this.#sink.begin(head);
  }

  write(data: Buffer, from: number, to: number): void {
    if (this.#head === undefined) return;
    this.#bytes += to - from;
    const fits = this.#records?.write(data, from, to) ?? true;
    if (!fits || this.#bytes > this.#maxBytes()) {
      this.#setAside();
      return;
    }
    this.#sequences?.push(Buffer.from(data.subarray(from, to)));
    if (this.damaged.length === 0) this.#sink.write(data, from, to);
  }

  end(): void {
    if (this.#head === undefined) return;
    if (this.#records?.end() === false || !this.#areSequences()) {
      this.#setAside();
      return;
    }
    if (this.damaged.length === 0) this.#sink.end();
  }

  #recordsOf(head: NumberedHead): RecordCheck {
    const kind = this.#kinds.get(head.id, head.type === 'I' ? 'insert' : 'change', head.describe);
    if (!Number.isSafeInteger(head.lines) || head.lines < 1) throw new Error('no number of lines');
    return new RecordCheck({
      lines: head.lines,
      columns: kind.columns.length,
      ops: head.type === 'X' ? 'IUDRA' : head.type,
    });
  }

  #maxBytes(): number {
    if (this.#head?.type === 'T') return 0;
    return this.#sequences === undefined ? Number.POSITIVE_INFINITY : maxSequenceBytes;
  }

  #areSequences(): boolean {
    if (this.#sequences === undefined) return true;
    try {
      readSequences(Buffer.concat(this.#sequences).toString('utf8'));
      return true;
    } catch {
      return false;
    }
  }

  /** The rest of the event is passed over. */
  #setAside(): void {
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined) this.damaged.push({ id: head.eventId(), table: tableOf(head) });
  }
}

function tableOf(head: NumberedHead): TableName | undefined {
  try {
    const [schema, name] = readNames(head.describe().table, false);
    return typeof schema === 'string' && typeof name === 'string' ? { schema, name } : undefined;
  } catch {
    return undefined;
  }
}

/** The tables of damaged events, each once; `unknown`: of some event the table is not known. */
export function tablesOf(damaged: readonly DamagedEvent[]): { tables: TableName[]; unknown: boolean } {
  const tables = new Map<string, TableName>();
  for (const { table } of damaged) if (table !== undefined) tables.set(tableKey(table), table);
  return { tables: [...tables.values()], unknown: damaged.some(({ table }) => table === undefined) };
}
