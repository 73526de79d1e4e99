import { splitColumns } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';

/** One event as the capture triggers wrote it. */
export interface CapturedEvent {
  readonly type: string;
  readonly table: readonly [string, string];
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
  readonly count: number;
  /** Fields of each line without the operation, which comes first in `ops`. */
  readonly ops: readonly string[];
  readonly lines: readonly (readonly (string | null)[])[];
}

/** Splits composite texts `(U,1,"a ""b""",)` joined by newlines, quotes and backslashes undone. */
function parseLines(data: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  let at = 0;
  while (at < data.length) {
    const [fields, end] = parseLine(data, at);
    lines.push(fields);
    if (end < data.length && data[end] !== '\n') throw new Error(`no newline after line ${lines.length}`);
    at = end + 1;
  }
  return lines;
}

function parseLine(data: string, start: number): [(string | null)[], number] {
  if (data[start] !== '(') throw new Error('a line does not begin with (');
  const fields: (string | null)[] = [];
  let at = start + 1;
  for (;;) {
    const [field, end] = parseField(data, at);
    fields.push(field);
    at = end + 1;
    if (data[end] === ')') break;
    if (data[end] !== ',') throw new Error('a field ends neither with , nor with )');
  }
  if (fields.pop() !== null) throw new Error('a line does not end with an empty field');
  return [fields, at];
}

function parseField(data: string, start: number): [string | null, number] {
  if (data[start] !== '"') {
    const end = start + data.slice(start).search(/[,)]/);
    return [end === start ? null : data.slice(start, end), end];
  }
  let text = '';
  for (let at = start + 1; ; at += 1) {
    const c = data[at];
    if (c === '"' && data[at + 1] !== '"') return [text, at + 1];
    if (c === '"' || c === '\\') at += 1;
    text += data[at];
  }
}

/** Everything in the queue after an event id, in order. */
export async function capturedEvents(client: PgClient, after = 0): Promise<(CapturedEvent & { id: number })[]> {
  const sql = `SELECT ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 FROM pgq.event_1
    WHERE ev_id > $1 AND ev_type IN ('I', 'U', 'D', 'X', 'T') ORDER BY ev_id`;
  const { rows } = await client.query(sql, [after]);
  return rows.map((row) => {
    const lines = parseLines(row.ev_data);
    const event = {
      id: Number(row.ev_id),
      type: row.ev_type,
      table: JSON.parse(row.ev_extra1),
      columns: names(row.ev_extra2),
      key: names(row.ev_extra3),
      count: Number(row.ev_extra4),
      ops: lines.map((line) => line[0] ?? ''),
      lines: lines.map((line) => line.slice(1)),
    };
    checkEvent(event);
    return event;
  });
}

/** Names without their numbers and types. */
function names(text: string) {
  return JSON.parse(splitColumns(text).names);
}

function checkEvent(event: CapturedEvent): void {
  if (event.count !== event.lines.length) throw new Error(`event says ${event.count} lines, has ${event.lines.length}`);
  for (const line of event.lines) {
    if (line.length !== event.columns.length) throw new Error('a line and the event do not have the same columns');
  }
  const allowed = { I: 'I', U: 'U', D: 'D', X: 'RA', T: '' }[event.type] ?? '';
  if (event.ops.some((op) => !allowed.includes(op))) throw new Error(`${event.type} has ops ${event.ops.join()}`);
}

type Row = Readonly<Record<string, string | null>>;

/** The simplest subscriber there can be: one table by key, the last line of a key wins. */
export class Replica {
  readonly rows = new Map<string, Row>();

  /** Applies a batch; complains about an operation that does not fit what was there before the batch. */
  apply(events: readonly CapturedEvent[]): void {
    const before = new Set(this.rows.keys());
    const first = new Map<string, string>();
    for (const event of events) {
      if (event.type === 'T') {
        this.rows.clear();
        before.clear();
        first.clear();
      }
      event.lines.forEach((line, n) => {
        const row = Object.fromEntries(event.columns.map((name, i) => [name ?? `generated ${i}`, line[i] ?? null]));
        const key = JSON.stringify(event.key.map((name) => row[name]));
        const op = event.ops[n] ?? '';
        if (event.key.length === 0) return;
        first.set(key, 'RA'.includes(op) ? 'X' : (first.get(key) ?? op));
        if (op === 'D' || op === 'A') this.rows.delete(key);
        else this.rows.set(key, row);
      });
    }
    for (const [key, op] of first) {
      if (op === 'I' && before.has(key)) throw new Error(`${key} is inserted but was there`);
      if ('UD'.includes(op) && !before.has(key)) throw new Error(`${key} gets ${op} but was not there`);
    }
  }

  /** All rows with the given columns, sorted. */
  content(columns: readonly string[]): string[] {
    return [...this.rows.values()].map((row) => JSON.stringify(columns.map((name) => row[name] ?? null))).sort();
  }
}

/** The same of a real table. */
export async function tableContent(client: PgClient, table: string, columns: readonly string[]): Promise<string[]> {
  const list = columns.map((name) => `${client.escapeIdentifier(name)}::text`).join(', ');
  const { rows } = await client.query({ text: `SELECT ${list} FROM ${table}`, rowMode: 'array' });
  return rows.map((row) => JSON.stringify(row)).sort();
}
