// Batches as capture would send them.
import { createHash } from 'node:crypto';
import type { TableName } from '@millrace/model';
import {
  type BatchHeader,
  encodeMessage,
  type Message,
  type Section,
  type SequenceValue,
  sha256Hex,
} from '@millrace/wire';
import { decodeMessage } from '@millrace/wire/testing';
import type { WholeBatch } from '../src/apply/plan/plan-batch.ts';

export const provider = '7700000000000000001';

/** The tick of a number in a history. */
export function tickOf(n: number, history = 'main') {
  const fingerprint = createHash('sha256').update(`${history} ${n}`).digest('hex').slice(0, 32);
  return { tick: n, fingerprint, time: new Date(Date.UTC(2025, 0, 1) + n).toISOString() };
}

export interface TestSection {
  readonly table: TableName;
  readonly form: Section['form'];
  readonly columns?: readonly (string | null)[];
  readonly key?: readonly string[];
  /** Records without their newlines. */
  readonly records?: readonly string[];
}

export interface TestBatch {
  readonly queue: string;
  readonly from: number;
  readonly to?: number;
  readonly history?: string;
  readonly sections: readonly TestSection[];
  readonly sequences?: readonly SequenceValue[];
  /** Cuts the body at any byte into chunks of this size. */
  readonly chunkBytes?: number;
}

/** The messages of one batch. */
export function messagesOf(batch: TestBatch): Message<BatchHeader>[] {
  const { queue, from, to = from + 1, history, chunkBytes = 1 << 30 } = batch;
  const pieces = cut(batch.sections, chunkBytes);
  const shared = { v: 1 as const, kind: 'batch' as const, provider, queue };
  const prev = tickOf(from, history);
  const headers = pieces.map(
    ({ sections, body }, chunk): BatchHeader => ({
      ...shared,
      prev: { tick: prev.tick, fingerprint: prev.fingerprint },
      tick: tickOf(to, history),
      chunk,
      last: chunk === pieces.length - 1,
      sections,
      lines: sections.reduce((sum, section) => sum + section.lines, 0),
      sha256: sha256Hex([body]),
    }),
  );
  const last = headers.at(-1);
  if (last !== undefined) {
    last.total = {
      chunks: headers.length,
      lines: headers.reduce((sum, header) => sum + header.lines, 0),
      sha256: sha256Hex(headers.map((header) => header.sha256)),
    };
    // Over all chunks, as capture sends those that do not fit the last one.
    const each = Math.ceil((batch.sequences ?? []).length / headers.length);
    for (const [at, header] of headers.entries()) {
      const values = (batch.sequences ?? []).slice(at * each, (at + 1) * each);
      if (values.length > 0) header.sequences = values;
    }
  }
  return headers.map(
    (header, at) => decodeMessage(encodeMessage(header, [pieces[at]?.body ?? Buffer.alloc(0)])) as Message<BatchHeader>,
  );
}

function cut(sections: readonly TestSection[], chunkBytes: number): { sections: Section[]; body: Buffer }[] {
  const chunks: { sections: Section[]; body: Buffer }[] = [{ sections: [], body: Buffer.alloc(0) }];
  for (const { table, form, columns = [], key = [], records = [] } of sections) {
    let rest = Buffer.from(records.map((record) => `${record}\n`).join(''));
    const ends: number[] = [];
    for (const record of records) ends.push((ends.at(-1) ?? 0) + Buffer.byteLength(record) + 1);
    let offset = 0;
    let cont = false;
    do {
      let chunk = chunks.at(-1);
      if (chunk === undefined || (chunk.body.length >= chunkBytes && rest.length > 0)) {
        chunk = { sections: [], body: Buffer.alloc(0) };
        chunks.push(chunk);
      }
      const bytes = rest.subarray(0, chunkBytes - chunk.body.length);
      const lines = ends.filter((end) => end > offset && end <= offset + bytes.length).length;
      chunk.sections.push({ table, form, columns: [...columns], key: [...key], lines, bytes: bytes.length, cont });
      chunk.body = Buffer.concat([chunk.body, bytes]);
      offset += bytes.length;
      cont = rest.length > bytes.length;
      rest = rest.subarray(bytes.length);
    } while (rest.length > 0);
  }
  return chunks;
}

/** A batch that is in memory as a whole. */
export function wholeOf(batch: TestBatch): WholeBatch {
  const chunks = messagesOf(batch);
  return { prev: tickOf(batch.from, batch.history), tick: tickOf(batch.to ?? batch.from + 1, batch.history), chunks };
}
