import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkMaker } from './chunk-maker.ts';

function chunksOf(pieces: readonly Buffer[], capacity: number) {
  const maker = new ChunkMaker(capacity);
  const chunks = pieces.flatMap((piece) => [...maker.add(piece)]);
  chunks.push(maker.end());
  return chunks.map(({ pieces: parts, bytes, endsRow }) => ({ body: Buffer.concat([...parts]), bytes, endsRow }));
}

test('nothing is lost, no chunk is too large, and only a row that does not fit into a chunk is cut', () => {
  const rows = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), (lengths, capacity, cut) => {
      const text = Buffer.from(lengths.map((length, n) => `${String(n % 10).repeat(length)}\n`).join(''));
      const pieces: Buffer[] = [];
      for (let at = 0; at < text.length; at += cut) pieces.push(text.subarray(at, at + cut));
      const chunks = chunksOf(pieces, capacity);
      expect(Buffer.concat(chunks.map(({ body }) => body)).equals(text)).toBe(true);
      let at = 0;
      for (const { body, bytes, endsRow } of chunks) {
        expect(bytes).toBe(body.length);
        expect(bytes).toBeLessThanOrEqual(capacity);
        expect(endsRow).toBe(body.at(-1) === 10);
        at += bytes;
        if (endsRow || bytes === 0) continue;
        expect(body.includes(10)).toBe(false);
        const begin = text.lastIndexOf(10, at - 1) + 1;
        expect(text.indexOf(10, at) + 1 - begin).toBeGreaterThan(capacity);
      }
    }),
  );
});
