// For the tests of copies: a table, its subscribers, and a requested copy.
import type { Position, TableName } from '@millrace/model';
import { requestCopy } from '@millrace/provider';
import { eventually } from '@millrace/testkit';
import { type CopyHeader, copyStreamName, copySubject, type Report } from '@millrace/wire';
import { decodeMessage } from '@millrace/wire/testing';
import { expect } from 'vitest';
import { type Bench, makeBench, register, sendReport } from './bench.ts';

export interface CopyBenchOptions {
  /** Makes the table and fills it. */
  readonly sql: string;
  /** Name of the table, in schema public. */
  readonly name: string;
  /** Default: `eu`. */
  readonly subscribers?: readonly string[];
  /** Default: the shared bus. */
  readonly busUrl?: string;
}

export interface CopyChunk {
  readonly header: CopyHeader;
  readonly body: Buffer;
}

export interface CopyBench {
  readonly bench: Bench;
  readonly table: TableName;
  readonly id: number;
  /** Reports of a subscriber at its first position; default: of the first subscriber. */
  report(more?: Partial<Report>, subscriber?: string): Promise<void>;
  /** Chunks of the copy that the stream holds. */
  chunks(): Promise<CopyChunk[]>;
  /** Waits until the stream holds all chunks of an attempt. */
  whole(attempt: number): Promise<CopyChunk[]>;
  /** Waits for the last chunk while the first subscriber reports. */
  untilSent(): Promise<CopyChunk[]>;
  /** The request's row. */
  state(): Promise<{ state: string; attempt: number; rows: string | null }>;
}

/** Makes it, without starting a capture. */
export async function makeCopyBench(options: CopyBenchOptions): Promise<CopyBench> {
  const { sql, name, subscribers = ['eu'], busUrl } = options;
  const bench = await makeBench(busUrl === undefined ? {} : { busUrl });
  await bench.client.query(sql);
  const from = new Map<string, Position>();
  for (const one of subscribers) from.set(one, await register(bench, one));
  const table = { schema: 'public', name };
  const id = await requestCopy(bench.client, { queue: bench.queue, table, subscribers });
  const report = async (more: Partial<Report> = {}, subscriber = subscribers[0] ?? '') =>
    sendReport(bench, subscriber, from.get(subscriber) ?? { tick: 0, fingerprint: '' }, more);
  const chunks = () => storedChunks(bench, id);
  return {
    bench,
    table,
    id,
    report,
    chunks,
    whole: (attempt) => wholeAttempt(chunks, attempt),
    untilSent: () =>
      eventually(
        async () => {
          await report();
          const found = await chunks();
          expect(found.at(-1)?.header.last).toBe(true);
          return found;
        },
        { timeoutMs: 40_000, everyMs: 300 },
      ),
    state: async () => {
      const columns = 'SELECT state, attempt, rows FROM millrace.copy_request WHERE copy_id = $1';
      return (await bench.client.query(columns, [id])).rows[0];
    },
  };
}

/** A table `wide` of rows of a megabyte each. */
export function wideTable(rows: number): CopyBenchOptions {
  const sql = `CREATE TABLE wide (id int PRIMARY KEY, t text); ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
    INSERT INTO wide SELECT g, repeat('z', 1000000) FROM generate_series(1, ${rows}) g`;
  return { name: 'wide', sql };
}

/** The rows of a whole copy, as fields. */
export function fieldsOf(chunks: readonly CopyChunk[]): string[][] {
  const rows = Buffer.concat(chunks.map((one) => one.body))
    .toString()
    .split('\n');
  return rows.slice(0, -1).map((row) => row.split('\t'));
}

async function storedChunks(bench: Bench, id: number): Promise<CopyChunk[]> {
  const found: CopyChunk[] = [];
  const { streams } = bench.bus.streams;
  const info = await streams.info(copyStreamName(bench.queue)).catch(() => undefined);
  if (info === undefined) return [];
  for (let seq = info.state.first_seq; seq > 0 && seq <= info.state.last_seq; seq += 1) {
    const message = await streams.getMessage(copyStreamName(bench.queue), { seq });
    if (message?.subject !== copySubject(bench.queue, id)) continue;
    const { header, body } = decodeMessage(message.data);
    if (header.kind === 'copy') found.push({ header, body: Buffer.from(body) });
  }
  return found;
}

async function wholeAttempt(chunks: () => Promise<CopyChunk[]>, attempt: number): Promise<CopyChunk[]> {
  return eventually(async () => {
    const all = (await chunks()).filter((one) => one.header.attempt === attempt);
    expect(all.at(-1)?.header.last).toBe(true);
    expect(all.map((one) => one.header.chunk)).toEqual(all.map((_, i) => i));
    return all;
  });
}
