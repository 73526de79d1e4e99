import { MillraceError } from '@millrace/errors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { decodeJson } from './decode-json.ts';
import { decodeMessage } from './frame.ts';
import { batchHeader, copyHeader, pulse, report } from './messages-v1.ts';
import {
  type BatchHeader,
  backfillSubject,
  batchSubject,
  copyKey,
  copyNote,
  copySubject,
  encodeMessage,
  isNoteFor,
  isReportKey,
  reportKey,
  sha256Hex,
  startKey,
  startNote,
  streamName,
} from './mod.ts';

test('the messages of version 1 are what they were: a change that older readers cannot take needs a new version', () => {
  const shapeOf = (...schemas: z.ZodType[]) =>
    sha256Hex([JSON.stringify(schemas.map((schema) => z.toJSONSchema(schema)))]);
  expect(shapeOf(batchHeader, copyHeader, report)).toMatchInlineSnapshot(
    `"7a4ea9f07d1fffc97a5ed6ee569731797f8d5647698f9cd0686ae1c94bc5124e"`,
  );
  expect(shapeOf(startNote, copyNote, pulse)).toMatchInlineSnapshot(
    `"2ea15354e944a9c75fe6eb165fa399d4a83e70b60e03d4b28e31308a10df3d4b"`,
  );
});

const fingerprint = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 });
const count = fc.nat();
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => text.length <= 255 && !text.includes('\0'));
const piece = fc.record({
  table: fc.record({ schema: name, name }),
  form: fc.constantFrom('insert' as const, 'change' as const),
  columns: fc.array(fc.option(name), { maxLength: 5 }),
  key: fc.array(name, { maxLength: 3 }),
  source: fc.constantFrom('', '16421:1i,2"public.grade"'),
  lines: fc.nat(1000),
  cont: fc.boolean(),
  body: fc.uint8Array({ maxLength: 300 }),
});

const message = fc
  .record({
    pieces: fc.array(piece, { maxLength: 6 }),
    tick: count,
    fingerprint,
    queue: name,
    last: fc.boolean(),
    chunk: count,
  })
  .map(({ pieces: drawn, tick, fingerprint: print, queue, last, chunk }) => {
    const pieces = drawn.map((one) => ({ ...one, lines: Math.min(one.lines, one.body.length) }));
    const bodies = pieces.map((one) => Buffer.from(one.body));
    const lines = pieces.reduce((sum, one) => sum + one.lines, 0);
    const header: BatchHeader = {
      v: 1,
      kind: 'batch',
      provider: '7',
      queue,
      prev: { tick: 0, fingerprint: print },
      tick: { tick, fingerprint: print, time: '2026-01-01T00:00:00.000000Z' },
      chunk,
      last,
      sections: pieces.map(({ body, source, ...section }) => ({
        ...section,
        ...(source === '' ? {} : { source }),
        bytes: body.length,
      })),
      lines,
      sha256: sha256Hex(bodies),
      ...(last ? { total: { chunks: chunk + 1, lines, sha256: sha256Hex([]) } } : {}),
    };
    return { header, bodies };
  });

test('what is encoded is decoded, whatever the bytes and names', () => {
  fc.assert(
    fc.property(message, ({ header, bodies }) => {
      const decoded = decodeMessage(encodeMessage(header, bodies));
      expect(decoded.header).toEqual(header);
      expect(decoded.body.equals(Buffer.concat(bodies))).toBe(true);
    }),
  );
});

test('a message that is damaged anywhere in its frame or body is refused', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ header, bodies }, place, flip) => {
      const bytes = encodeMessage(header, bodies);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      try {
        const decoded = decodeMessage(bytes);
        // What a digest of the body cannot see is damage inside the header that is a header still; the chain of ticks sees it.
        expect(at).toBeLessThan(bytes.length - decoded.body.length);
      } catch (error) {
        expect((error as MillraceError).code).toBe('bad-message');
      }
    }),
  );
});

const good = fc.sample(message, { numRuns: 1, seed: 4 })[0] ?? { header: {} as BatchHeader, bodies: [] };
const frame = (header: unknown, body = Buffer.concat(good.bodies)) => {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, body]);
};
const withHeader = (more: object) => frame({ ...good.header, ...more });

const sequence = { schema: 's', name: 'n', is_called: true };
const oneSection = {
  table: { schema: 's', name: 't' },
  form: 'insert',
  columns: [],
  key: [],
  cont: false,
  bytes: Buffer.concat(good.bodies).length,
};

test.each<[string, Uint8Array]>([
  ['empty', Buffer.alloc(0)],
  ['shorter than its length field', Buffer.from([0, 0])],
  ['claiming a gigabyte', Buffer.from([0x40, 0, 0, 0, 1])],
  ['claiming four gigabytes', Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
  ['truncated', encodeMessage(good.header, good.bodies).subarray(0, 40)],
  ['longer than announced', Buffer.concat([encodeMessage(good.header, good.bodies), Buffer.from('x')])],
  ['not JSON', frame('{"v":1,')],
  ['JSON of another kind', frame('[]')],
  ['null', frame('null')],
  ['a gzip stream', Buffer.concat([Buffer.from([0, 0, 0, 10, 0x1f, 0x8b]), Buffer.alloc(100)])],
  ['of a later version', withHeader({ v: 2 })],
  ['of an unknown kind', withHeader({ kind: 'order' })],
  ['of a negative tick', withHeader({ tick: { ...good.header.tick, tick: -1 } })],
  [
    'of a tick beyond safe numbers',
    frame(JSON.stringify(good.header).replace(/"tick":\{"tick":\d+/, '"tick":{"tick":1e300')),
  ],
  ['of a wrong fingerprint', withHeader({ prev: { tick: 1, fingerprint: 'xyz' } })],
  ['with unknown fields', withHeader({ admin: true })],
  ['with a prototype', frame(JSON.stringify(good.header).replace('{', '{"__proto__":{"v":1},'))],
  ['of a time that is none', withHeader({ tick: { ...good.header.tick, time: 'x'.repeat(24) } })],
  ['with NUL in a name', withHeader({ queue: 'a\0b' })],
  ['with a value beyond int8', withHeader({ sequences: [{ ...sequence, last_value: '9999999999999999999' }] })],
  ['with more lines than bytes', withHeader({ sections: [{ ...oneSection, lines: oneSection.bytes + 1 }] })],
  ['with a wrong digest', withHeader({ sha256: 'a'.repeat(64) })],
  ['with sections that do not add up', withHeader({ sections: [], lines: good.header.lines + 1 })],
  ['with deep nesting', frame(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)],
])('a message that is %s is refused with its code', (_what, bytes) => {
  const refuse = () => decodeMessage(bytes);
  expect(refuse).toThrow(MillraceError);
  expect(refuse).toThrow(/message refused/);
});

test('of doubled keys in a header the last one counts, and is checked like any other', () => {
  const text = JSON.stringify(good.header).replace('{', '{"chunk":-5,');
  expect(decodeMessage(frame(text)).header.chunk).toBe(good.header.chunk);
});

test('names on the bus never meet, and are fit for it', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      for (const text of [streamName(a), batchSubject(a), backfillSubject(a, b), copySubject(a, 1)]) {
        expect(text).toMatch(/^[A-Za-z0-9_=.-]+$/);
      }
      fc.pre(Buffer.from(a).toString('hex') !== Buffer.from(b).toString('hex'));
      expect(batchSubject(a)).not.toBe(batchSubject(b));
    }),
  );
  expect(backfillSubject('a', 'b.c')).not.toBe(backfillSubject('a.b', 'c'));
});

const noteHead = { v: 1, queue: 'shop', subscriber: 'eu' };
const firstDescription = {
  kind: 'r',
  partition: false,
  columns: [
    {
      name: 'grade',
      type: 'grade',
      parts: [{ path: '', type: 'grade', mod: -1, labels: ['a', 'b'] }],
      foldsCase: false,
      notNull: true,
      hasDefault: false,
      generated: false,
    },
  ],
  uniques: [['grade']],
  primary: true,
  missing: [],
  usage: true,
};
const presentDescription = {
  ...firstDescription,
  columns: firstDescription.columns.map((column) => ({ ...column, collation: null })),
  extras: [{ columns: ['grade', null], drop: 'DROP INDEX other' }],
  role: 'millrace',
};
const copyNoteOf = (source?: object) => ({
  ...noteHead,
  kind: 'copy-wish',
  table: { schema: 'public', name: 'entry' },
  copy: 4,
  ...(source === undefined ? {} : { source }),
});

test.each<[string, z.ZodType, object]>([
  [
    'of a start',
    startNote,
    {
      ...noteHead,
      kind: 'start',
      provider: '7300000000000000001',
      tick: { tick: 9, fingerprint: 'a'.repeat(32), time: '2026-01-01T00:00:00.000000Z' },
    },
  ],
  ['of a copy without its source', copyNote, copyNoteOf()],
  ['of a copy, as the first release wrote it', copyNote, copyNoteOf({ description: firstDescription, key: ['grade'] })],
  ['of a copy, as written now', copyNote, copyNoteOf({ description: presentDescription, key: [] })],
])('a note %s is read as it was written', (_what, schema, note) => {
  expect(decodeJson(schema, Buffer.from(JSON.stringify(note)))).toEqual(note);
});

test('a note of a later release is read without what was added to the description', () => {
  const later = copyNoteOf({ description: { ...presentDescription, owner: 'app' }, key: ['grade'] });
  const known = copyNoteOf({ description: presentDescription, key: ['grade'] });
  expect(decodeJson(copyNote, Buffer.from(JSON.stringify(later)))).toEqual(known);
});

test.each([
  ['{'],
  ['null'],
  [JSON.stringify({ ...copyNoteOf(), kind: 'copy' })],
  [JSON.stringify(copyNoteOf({ description: { columns: 'all' }, key: [] }))],
  [JSON.stringify({ ...copyNoteOf(), copy: -1 })],
])('a value that is no note is not read as one: %s', (value) => {
  expect(decodeJson(copyNote, Buffer.from(value))).toBeUndefined();
});

test('keys of the bucket separate reports from notes and one subscriber from another', () => {
  expect([reportKey('eu'), startKey('eu'), copyKey('eu', { schema: 'public', name: 'entry' })]).toEqual([
    'eu',
    'start/eu',
    'copy/eu/=5B=22public=22=2C=22entry=22=5D',
  ]);
  fc.assert(
    fc.property(name, name, fc.record({ schema: name, name }), (a, b, table) => {
      fc.pre(Buffer.from(a).toString('hex') !== Buffer.from(b).toString('hex'));
      expect([reportKey(a), startKey(a), copyKey(a, table)].map(isReportKey)).toEqual([true, false, false]);
      expect([startKey(a), copyKey(a, table)].map((key) => isNoteFor(a, key))).toEqual([true, true]);
      for (const key of [reportKey(b), startKey(b), copyKey(b, table)]) expect(isNoteFor(a, key)).toBe(false);
    }),
  );
});
