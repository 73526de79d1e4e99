// For tests: batches as capture would send them, and a place to apply them.
import { createHash } from 'node:crypto';
import { type TableName, tableKey } from '@millrace/model';
import { connect, type PgClient } from '@millrace/postgres';
import {
  type ApplySession,
  addTable,
  initPosition,
  installSubscriber,
  listSequences,
  listTables,
  openApplySession,
  readControl,
  readPosition,
} from '@millrace/subscriber';
import {
  type BatchHeader,
  decodeMessage,
  encodeMessage,
  type Message,
  type Section,
  type SequenceValue,
  sha256Hex,
} from '@millrace/wire';
import { Applier } from '../src/apply/applier.ts';
import type { Followed, WholeBatch } from '../src/apply/plan/plan-batch.ts';

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

/** A batch as one piece in memory. */
function wholeOf(batch: TestBatch): WholeBatch {
  const chunks = messagesOf(batch);
  return { prev: tickOf(batch.from, batch.history), tick: tickOf(batch.to ?? batch.from + 1, batch.history), chunks };
}

/** A database with the schema, a position at tick 1, and an applier. */
export class TestSubscriber {
  readonly url: string;
  readonly queue: string;
  readonly client: PgClient;
  readonly session: ApplySession;
  readonly applier: Applier;
  at = 1;

  private constructor(
    url: string,
    queue: string,
    parts: { client: PgClient; session: ApplySession; applier: Applier },
  ) {
    this.url = url;
    this.queue = queue;
    this.client = parts.client;
    this.session = parts.session;
    this.applier = parts.applier;
  }

  static async open(
    url: string,
    options: {
      queue?: string;
      conflicts?: 'stop' | 'upsert';
      fewLines?: number;
      partLines?: number;
      replayUrl?: string;
    } = {},
  ): Promise<TestSubscriber> {
    const { queue = 'q', conflicts = 'stop', fewLines, partLines, replayUrl = url } = options;
    const client = await connect(url, { applicationName: 'test' });
    await installSubscriber(client);
    await initPosition(client, { queue, subscriber: 'eu', provider, tick: tickOf(1) });
    const session = await openApplySession(replayUrl, 'test replay');
    const applier = new Applier({ session, queue, conflicts, fewLines, partLines });
    return new TestSubscriber(url, queue, { client, session, applier });
  }

  /** Runs SQL and follows the tables it names. */
  async tables(sql: string, ...tables: TableName[]): Promise<void> {
    await this.client.query(sql);
    for (const table of tables) await addTable(this.client, this.queue, table, 'ok');
  }

  async followed(): Promise<Followed> {
    const control = await readControl(this.client, this.queue);
    const tables = await listTables(this.client, this.queue);
    const sequences = await listSequences(this.client, this.queue);
    return {
      generation: control?.generation ?? 0,
      tables: new Map(tables.map((table) => [tableKey(table), table])),
      sequences: new Set(sequences.map(tableKey)),
    };
  }

  /** Applies batches in one transaction. */
  async apply(...batches: readonly (readonly TestSection[])[]): Promise<{ lines: number; conflicts: number }> {
    const wholes = batches.map((sections, n) => wholeOf({ queue: this.queue, from: this.at + n, sections }));
    const to = this.at + batches.length;
    const move = { queue: this.queue, from: tickOf(this.at), to: tickOf(to), batches: batches.length, busHint: null };
    const done = await this.applier.applyWhole(wholes, await this.followed(), move);
    this.at = to;
    return done;
  }

  /** Applies one batch while it "arrives" in chunks. */
  async stream(
    sections: readonly TestSection[],
    chunkBytes: number,
    sequences: readonly SequenceValue[] = [],
  ): Promise<{ lines: number; conflicts: number }> {
    const chunks = messagesOf({ queue: this.queue, from: this.at, sections, chunkBytes, sequences });
    const [first] = chunks;
    if (first === undefined) throw new Error('no chunk');
    const open = async function* () {
      yield* chunks;
    };
    const move = { queue: this.queue, from: tickOf(this.at), to: tickOf(this.at + 1), batches: 1, busHint: null };
    const done = await this.applier.applyStream(
      { first: first.header, open, putBack: () => {} },
      await this.followed(),
      move,
    );
    this.at += 1;
    return done;
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.client.query(sql)).rows;
  }

  async position(): Promise<number | undefined> {
    return (await readPosition(this.client, this.queue))?.tick;
  }

  async close(): Promise<void> {
    await this.session.client.end();
    await this.client.end();
  }
}
