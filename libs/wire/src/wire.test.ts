import { createHash } from 'node:crypto';
import { MillraceError } from '@millrace/errors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { batchHeader, copyHeader, report } from './messages-v1.ts';
import {
  type BatchHeader,
  backfillSubject,
  batchSubject,
  copySubject,
  decodeMessage,
  encodeMessage,
  sha256Hex,
  streamName,
} from './mod.ts';

test('the messages of version 1 are what they were: a change that older readers cannot take needs a new version', () => {
  const shape = JSON.stringify([batchHeader, copyHeader, report].map((schema) => z.toJSONSchema(schema)));
  expect(createHash('sha256').update(shape).digest('hex')).toMatchInlineSnapshot(
    `"7a4ea9f07d1fffc97a5ed6ee569731797f8d5647698f9cd0686ae1c94bc5124e"`,
  );
});

const fingerprint = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 });
const count = fc.nat();
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => text.length <= 255);
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
  .map(({ pieces, tick, fingerprint: print, queue, last, chunk }) => {
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
