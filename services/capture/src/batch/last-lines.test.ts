import fc from 'fast-check';
import { expect, test } from 'vitest';
import { walkRecords } from './record-walk.ts';
import { Regrouper } from './regrouper.ts';
import { kindOf, SectionKinds } from './section-kind.ts';

/** A line of one row: its operation, its key, its value. */
interface Line {
  readonly op: 'I' | 'U' | 'D' | 'R' | 'A';
  readonly key: readonly string[];
  readonly value: string;
}

// As PostgreSQL writes a record into an event, and as a section holds it.
const quoted = (text: string) => (/["\\(),\s]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text);
const record = ({ op, key, value }: Line) => `(${[op, quoted(value), ...key.map(quoted)].join(',')},)`;
const inEvent = (line: Line) => record(line).replaceAll('\\', '\\\\');

const columns = '["v","k","l"]';
const describe = () => ({ table: '["public","t"]', columns, key: '["l","k"]' });
/** The first field is the whole key, the way most tables have it. */
const describeFirst = () => ({ table: '["public","f"]', columns, key: '["v"]' });

function feed(events: readonly (readonly Line[])[], how: { window: number; cut: number }) {
  const regrouper = new Regrouper(new SectionKinds());
  const taken: Buffer[] = [];
  let lines = 0;
  const take = () => {
    for (const section of regrouper.take()) {
      // Decoded as a whole: a small window may end inside a character.
      taken.push(Buffer.from(section.bytes.subarray(0, section.length)));
      lines += section.lines;
      for (let at = 0; at < section.marks.length; at += 2) {
        const walk = walkRecords(section.bytes, { from: 0, to: section.marks[at] ?? 0, quoted: section.quoted });
        expect([walk.lines, walk.lastEnd]).toEqual([section.marks[at + 1], section.marks[at]]);
      }
    }
  };
  for (const event of events) {
    const data = Buffer.from(event.map(inEvent).join('\n'));
    regrouper.begin({ type: 'X', id: 't', describe, lines: event.length });
    for (let at = 0; at < data.length; at += how.cut) {
      regrouper.write(data, at, Math.min(data.length, at + how.cut));
      if (regrouper.bytes > how.window) take();
    }
    regrouper.end();
  }
  take();
  return { lines, text: Buffer.concat(taken).toString() };
}

/** Records cut apart again, by what they were made of. */
function parse(text: string, from: ReadonlyMap<string, Line>): Line[] {
  const found: Line[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') isQuoted = !isQuoted;
    if (text[at] !== '\n' || isQuoted) continue;
    const line = from.get(text.slice(start, at));
    if (line === undefined) throw new Error(`not a line that was given: ${text.slice(start, at)}`);
    found.push(line);
    start = at + 1;
  }
  expect(start).toBe(text.length);
  return found;
}

/** What a subscriber makes of the lines: for each key what is expected before, what is there afterwards, whether the order of its lines is unknown. */
function netOf(lines: readonly Line[]) {
  const net = new Map<string, { before: boolean; after: string | null; isOrderUnknown: boolean }>();
  for (const { op, key, value } of lines) {
    const id = JSON.stringify(key);
    const known = net.get(id) ?? { before: op !== 'I', after: null, isOrderUnknown: false };
    known.after = op === 'D' || op === 'A' ? null : value;
    known.isOrderUnknown ||= op === 'R' || op === 'A';
    net.set(id, known);
  }
  const known = [...net].map(([id, one]) => [id, one.isOrderUnknown ? { ...one, before: null } : one] as const);
  return new Map(known.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const texts = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 99 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('', ',', '"', '\\', 'a\nb', '(U,1', ',)', 'é', '1,2', '"1"') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map((n) => 'x'.repeat(n * 1500)) },
);
const keys = fc.tuple(
  fc.constantFrom('1', '2', '1,2', '"', ' ', '\n', 'k'.repeat(9000)),
  fc.oneof({ weight: 9, arbitrary: fc.constant('1') }, { weight: 1, arbitrary: fc.constantFrom('2', ',2', '') }),
);
const line: fc.Arbitrary<Line> = fc.record({
  op: fc.oneof(
    { weight: 12, arbitrary: fc.constant('U' as const) },
    { weight: 1, arbitrary: fc.constantFrom('I' as const, 'D' as const, 'R' as const, 'A' as const) },
  ),
  key: keys,
  value: texts,
});
const event = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(line) },
  { weight: 1, arbitrary: fc.array(line, { minLength: 1, maxLength: 4 }) },
);

test('whatever is left out, a subscriber sees the same change of each key', () => {
  const how = fc.record({
    window: fc.constantFrom(1, 200, 5000, 1e9),
    cut: fc.constantFrom(1e9, 1e9, 7, 1000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), how, (events, settings) => {
      const all = events.flat();
      const known = new Map(all.map((one) => [record(one), one]));
      const sent = feed(events, settings);
      const left = parse(sent.text, known);
      expect(left.length).toBe(sent.lines);
      expect(netOf(left)).toEqual(netOf(all));
    }),
    { numRuns: 1500 },
  );
}, 120_000);

const updates = (count: number, of: (n: number) => Partial<Line>) =>
  Array.from({ length: count }, (_, n): Line[] => [{ op: 'U', key: ['1', '1'], value: '0', ...of(n) }]);

test('of many updates of few rows one line each is left, and no more is kept in memory', () => {
  const events = updates(50_000, (n) => ({ key: [String(n % 10), '1'], value: 'x'.repeat(n % 97) }));
  const regrouper = new Regrouper(new SectionKinds());
  let maxBytes = 0;
  for (const [one] of events) {
    if (one === undefined) continue;
    const data = Buffer.from(inEvent(one));
    regrouper.begin({ type: 'U', id: 't', describe, lines: 1 });
    regrouper.write(data, 0, data.length);
    regrouper.end();
    maxBytes = Math.max(maxBytes, regrouper.bytes);
  }
  const [section] = regrouper.take();
  expect(section?.lines).toBe(10);
  expect(section?.bytes.toString('utf8', 0, section.length).split('\n').length).toBe(11);
  expect(maxBytes).toBeLessThan(2000);
  expect(section?.bytes.length).toBeLessThan(512 * 1024);
});

test('an update stays where another line of its key lies behind it, or a statement of several rows', () => {
  const [update = []] = updates(1, () => ({}));
  for (const op of ['I', 'D', 'R', 'A'] as const) {
    expect(feed([update, [{ op, key: ['1', '1'], value: '0' }], update], { window: 1e9, cut: 1e9 }).lines).toBe(3);
  }
  const other = { op: 'U', key: ['2', '2'], value: '0' } as const;
  expect(feed([update, [other, other], update], { window: 1e9, cut: 1e9 }).lines).toBe(4);
  expect(feed([update, [other], update], { window: 1e9, cut: 1e9 }).lines).toBe(2);
});

test('a key that is the first field is distinguished from others by its text, be it a number or not', () => {
  const keys = ['1', '01', '1.0', '12', '', '0', '00', '-1', '123456789012345678', '123456789012345679', '1a', '12,3'];
  const regrouper = new Regrouper(new SectionKinds());
  for (const value of [...keys, ...keys]) {
    const data = Buffer.from(inEvent({ op: 'U', key: ['x', 'y'], value }));
    regrouper.begin({ type: 'U', id: 'f', describe: describeFirst, lines: 1 });
    regrouper.write(data, 0, data.length);
    regrouper.end();
  }
  const [section] = regrouper.take();
  const expected = keys.map((value) => `${record({ op: 'U', key: ['x', 'y'], value })}\n`).join('');
  expect(section?.bytes.toString('utf8', 0, section.length)).toBe(expected);
});

test('a table of which hardly a row comes twice is not examined for long', () => {
  const events = updates(20_000, (n) => ({ key: [String(n % 8000), '1'] }));
  expect(feed(events, { window: 1e9, cut: 1e9 }).lines).toBe(20_000);
  const often = updates(20_000, (n) => ({ key: [String(n % 2000), '1'] }));
  expect(feed(often, { window: 1e9, cut: 1e9 }).lines).toBe(2000);
});

test('a line whose key is incomplete is never left out', () => {
  expect(kindOf({ table: '["public","t"]', columns: '["v"]', key: '["k"]' }, 'change').keyAt).toBeUndefined();
  expect(kindOf({ table: '["public","t"]', columns: '["v"]', key: '[]' }, 'change').keyAt).toBeUndefined();
  expect(kindOf({ table: '["public","t"]', columns, key: '["l","k"]' }, 'change').keyAt).toEqual([2, 3]);
});
