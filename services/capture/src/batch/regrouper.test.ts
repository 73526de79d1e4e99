import { type BatchHeader, sha256Hex } from '@millrace/wire';
import { decodeMessage } from '@millrace/wire/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchWriter } from './batch-writer.ts';
import { EventParser } from './event-parser.ts';
import { Regrouper } from './regrouper.ts';

/** A row change as the model knows it. */
interface Line {
  op: string;
  values: (string | null)[];
}
interface Event {
  type: string;
  table: string;
  columns: string[];
  lines: Line[];
}

// What PostgreSQL's record output does.
function field(value: string | null): string {
  if (value === null) return '';
  if (value !== '' && !/["\\(),\s]/.test(value)) return value;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '""')}"`;
}
const lineText = (line: Line) => `(${[line.op, ...line.values.map(field)].join(',')},)`;

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
function column(text: string | null): Buffer {
  if (text === null) return int32(-1);
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([int32(bytes.length), bytes]);
}
function copyBinary(events: Event[]): Buffer {
  const parts: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(0), int32(0)];
  for (const [id, event] of events.entries()) {
    const data = event.type === 'T' ? null : event.lines.map(lineText).join('\n');
    const id8 = Buffer.concat([int32(8), int32(0), int32(id)]);
    const head = [
      JSON.stringify(['public', event.table]),
      JSON.stringify(event.columns),
      '["id"]',
      String(event.lines.length),
    ];
    parts.push(Buffer.from([0, 7]), id8, column(event.type), ...head.map(column), column(data));
  }
  parts.push(Buffer.from([0xff, 0xff]));
  return Buffer.concat(parts);
}

/** Reads CSV records as COPY does. */
function parseCsv(text: string): (string | null)[][] {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  let at = 0;
  while (at < text.length) {
    let value: string | null = null;
    while (at < text.length && text[at] !== ',' && text[at] !== '\n') {
      if (text[at] !== '"') {
        value = (value ?? '') + text[at];
        at += 1;
        continue;
      }
      value ??= '';
      for (at += 1; ; at += 1) {
        if (at >= text.length) throw new Error('open quote');
        if (text[at] === '"' && text[at + 1] === '"') {
          value += '"';
          at += 1;
        } else if (text[at] === '"') break;
        else value += text[at];
      }
      at += 1;
    }
    record.push(value);
    if (at >= text.length) throw new Error('record without end');
    if (text[at] === '\n') {
      records.push(record);
      record = [];
    }
    at += 1;
  }
  return records;
}

interface Run {
  table: string;
  form: string;
  columns: (string | null)[];
  text: string;
  lines: number;
}

function joinMessages(messages: Buffer[]): Run[] {
  const runs: Run[] = [];
  const digests: string[] = [];
  let lines = 0;
  for (const [i, message] of messages.entries()) {
    const { header, body } = decodeMessage(message);
    if (header.kind !== 'batch') throw new Error('kind');
    expect(header.chunk).toBe(i);
    expect(header.last).toBe(i === messages.length - 1);
    digests.push(header.sha256);
    lines += header.lines;
    let at = 0;
    for (const [k, section] of header.sections.entries()) {
      const bytes = body.subarray(at, at + section.bytes);
      at += section.bytes;
      const last = runs.at(-1);
      if (section.cont) {
        expect(k).toBe(0);
        expect(last).toMatchObject({ table: section.table.name, form: section.form });
        if (last !== undefined) {
          last.text += bytes.toString('latin1');
          last.lines += section.lines;
        }
      } else {
        if (last !== undefined) parseCsv(last.text);
        const { form, columns } = section;
        runs.push({ table: section.table.name, form, columns, text: bytes.toString('latin1'), lines: section.lines });
      }
    }
    if (header.last)
      expect(header.total).toEqual({ chunks: messages.length, lines, sha256: sha256Hex([digests.join('')]) });
  }
  return runs;
}

/** The lines of each table between truncates, in order, as a receiver sees them. */
function seen(runs: Run[]) {
  const tables: Record<string, unknown[]>[] = [{}];
  for (const run of runs) {
    if (run.form === 'truncate') {
      tables.push({ truncated: [run.table] });
      continue;
    }
    const records = parseCsv(run.text);
    expect(records.length).toBe(run.lines);
    const list = (tables.at(-1) as Record<string, unknown[]>)[run.table] ?? [];
    (tables.at(-1) as Record<string, unknown[]>)[run.table] = list;
    for (const record of records) {
      if (run.form === 'insert') list.push({ op: 'I', columns: run.columns, values: record });
      else {
        expect(record.at(-1)).toBe(')');
        expect(record[0]?.[0]).toBe('(');
        list.push({ op: record[0]?.slice(1), columns: run.columns, values: record.slice(1, -1) });
      }
    }
  }
  return tables;
}

function wanted(events: Event[]) {
  const tables: Record<string, unknown[]>[] = [{}];
  const bytes = (value: string | null) => (value === null ? null : Buffer.from(value, 'utf8').toString('latin1'));
  for (const event of events) {
    if (event.type === 'T') tables.push({ truncated: [event.table] });
    if (!['I', 'U', 'D', 'X'].includes(event.type)) continue;
    const current = tables.at(-1) as Record<string, unknown[]>;
    current[event.table] ??= [];
    for (const line of event.lines) {
      current[event.table]?.push({ op: line.op, columns: event.columns, values: line.values.map(bytes) });
    }
  }
  return tables;
}

const nasty = fc.oneof(
  fc.constantFrom(
    null,
    '',
    '\\.',
    '\\',
    '\\\\',
    '"',
    '""',
    '\n',
    ',)\n(I,',
    ',)',
    '(I,',
    '"\n"',
    '\\\n\\',
    'é',
    ' ',
    '\r\n',
    '\u0000x',
  ),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', '\n', ')', '(', 'I', 'é', '😀', '.') }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('x', '"', '\\', '\n'), minLength: 200, maxLength: 3000 }),
);

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom('T', 'P'),
      table: fc.constantFrom('a', 'b'),
      columns: fc.constant<string[]>([]),
      lines: fc.constant<Line[]>([]),
    }),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('I', 'U', 'D', 'X'), fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }))
      .chain(([type, table, width]) => {
        const op = type === 'X' ? fc.constantFrom('R', 'A') : fc.constant(type);
        const line = fc.record({ op, values: fc.array(nasty, { minLength: width, maxLength: width }) });
        return fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => ({
          type,
          table,
          columns: Array.from({ length: width }, (_, i) => `c${i}`),
          lines,
        }));
      }),
  },
);

async function throughCapture(events: Event[], how: { cut: number; window: number; payload: number }): Promise<Run[]> {
  const copy = copyBinary(events);
  const messages: Buffer[] = [];
  const regrouper = new Regrouper();
  const parser = new EventParser(regrouper);
  const tick = { tick: 2, fingerprint: 'b'.repeat(32), time: '2026-01-01T00:00:00.000000Z' };
  const writer = new BatchWriter(
    {
      provider: '1',
      queue: 'q',
      prev: { tick: 1, fingerprint: 'a'.repeat(32) },
      tick,
      seen: { snapshot: `100:9000:${Array.from({ length: 1500 }, (_, i) => 1000 + i).join(',')}`, timeline: 1 },
      trace: undefined,
    },
    { maxPayload: how.payload, send: async (message) => void messages.push(message) },
  );
  for (let at = 0; at < copy.length; at += how.cut) {
    parser.feed(copy.subarray(at, at + how.cut));
    if (regrouper.bytes >= how.window) await writer.add(regrouper.take());
  }
  parser.finish();
  await writer.add(regrouper.take());
  await writer.finish(regrouper.sequences());
  for (const message of messages) expect(message.length).toBeLessThanOrEqual(how.payload);
  return joinMessages(messages);
}

test('a TRUNCATE keeps its place wherever a message is full', async () => {
  const how = { cut: 100_000, window: 1e9, payload: 4096 + 16 * 1024 };
  const insert = (value: string): Event => ({
    type: 'I',
    table: 'a',
    columns: ['c0'],
    lines: [{ op: 'I', values: [value] }],
  });
  const truncate: Event = { type: 'T', table: 'a', columns: [], lines: [] };
  for (let length = 15_800; length < 16_420; length += 1) {
    const events = [insert('x'.repeat(16_000)), insert('x'.repeat(length)), truncate, insert('y')];
    expect([length, seen(await throughCapture(events, how))]).toEqual([length, wanted(events)]);
  }
});

test('whatever the values, cuts and windows, every table keeps its lines in their order', async () => {
  const how = fc.record({
    cut: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 5000 })),
    window: fc.constantFrom(1, 7, 100, 5000, 1e9),
    payload: fc.constantFrom(4096 + 16 * 1024, 64 * 1024),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 12 }), how, async (events, settings) => {
      expect(seen(await throughCapture(events, settings))).toEqual(wanted(events));
    }),
    { numRuns: 600 },
  );
}, 120_000);

test('inserts keep their own form until the table had another change, and again after a truncate', async () => {
  const line = (op: string) => ({ op, values: ['1'] });
  const make = (type: string) => ({ type, table: 'a', columns: ['id'], lines: type === 'T' ? [] : [line(type)] });
  const runs = await throughCapture(['I', 'I', 'U', 'I', 'T', 'I'].map(make), { cut: 1000, window: 1e9, payload: 1e6 });
  expect(runs.map((run) => run.form)).toEqual(['insert', 'change', 'truncate', 'insert']);
  expect(runs[1]?.text).toBe('(U,1,)\n(I,1,)\n');
});

test('a value of many megabytes goes through in pieces', async () => {
  const big = 'x"\\\n,)\n(I,'.repeat(250_000);
  const events = ['I', 'U'].map((op) => ({
    type: op,
    table: 'a',
    columns: ['id'],
    lines: [
      { op, values: [big] },
      { op, values: ['y'] },
    ],
  }));
  const runs = await throughCapture(events, { cut: 65_536, window: 8 << 20, payload: 1 << 20 });
  expect(seen(runs)).toEqual(wanted(events));
});

test('sequences that do not fit one message go in several, each once', async () => {
  const sequences = Array.from({ length: 12_000 }, (_, n) => ({
    schema: 'public',
    name: `a_sequence_with_a_rather_long_name_${n}`,
    last_value: String(n),
    is_called: true,
  }));
  const messages: Buffer[] = [];
  const maxPayload = 256 * 1024;
  const writer = new BatchWriter(
    {
      provider: '1',
      queue: 'q',
      prev: { tick: 1, fingerprint: 'a'.repeat(32) },
      tick: { tick: 2, fingerprint: 'b'.repeat(32), time: '2026-01-01T00:00:00.000000Z' },
      seen: { snapshot: '100:100:', timeline: 1 },
      trace: undefined,
    },
    { maxPayload, send: async (message) => void messages.push(message) },
  );
  const { chunks } = await writer.finish(sequences);
  expect(chunks).toBe(messages.length);
  for (const message of messages) expect(message.length).toBeLessThanOrEqual(maxPayload);
  const headers = messages.map((message) => decodeMessage(message).header as BatchHeader);
  expect(headers.map(({ last }) => last)).toEqual([...headers.slice(1).map(() => false), true]);
  expect(headers.flatMap((header) => header.sequences ?? [])).toEqual(sequences);
});
