import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyFrames } from './copy-frames.ts';

function message(code: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(code, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const body = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const within = fc.tuple(fc.constantFrom('d', 'd', 'd', 'S', 'N', 'A'), body);

test('the data of a COPY is the same however its messages are cut, and ends where something else begins', () => {
  const ends = fc.constantFrom('c', 'E', 'C');
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(within, { maxLength: 20 }), ends, cuts, (messages, end, sizes) => {
      const closing = Buffer.concat([message(end, Buffer.from('the end')), message('Z', Buffer.from('I'))]);
      const sent = Buffer.concat([
        message('H', Buffer.from([1, 0, 0])),
        ...messages.map(([code, bytes]) => message(code, bytes)),
        closing,
      ]);
      const frames = new CopyFrames();
      const found: Buffer[] = [];
      let rest: Buffer | undefined;
      for (let at = 0, i = 0; at < sent.length; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        const piece = Buffer.from(sent.subarray(at, at + size));
        at += size;
        if (rest === undefined) {
          const taken = frames.take(piece);
          found.push(Buffer.from(taken.data));
          rest = taken.rest;
        } else rest = Buffer.concat([rest, piece]);
      }
      const data = messages.filter(([code]) => code === 'd').map(([, bytes]) => bytes);
      expect(Buffer.concat(found).equals(Buffer.concat(data))).toBe(true);
      expect(rest?.equals(closing)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
