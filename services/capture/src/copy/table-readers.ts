// A table read by one or several sessions, part by part.
import type { PgClient } from '@millrace/postgres';
import { type CopyProgress, joinPinned, type PageRange, readTable } from '@millrace/provider';
import { type Chunk, ChunkMaker } from './chunk-maker.ts';
import type { CopyOutput, PinnedTable } from './copy-output.ts';
import { rangesFor } from './page-ranges.ts';

export interface ReaderOptions {
  /** Sessions that read the table, if it is large. */
  readonly readers: number;
  /** Pages that one of them reads at a time. */
  readonly partPages: number;
  readonly open: () => Promise<PgClient>;
}

const nothing: Chunk = { pieces: [], bytes: 0, endsRow: false };

export class TableReaders {
  readonly #table: PinnedTable;
  readonly #output: CopyOutput;
  readonly #options: ReaderOptions;
  #rows = 0;

  constructor(table: PinnedTable, output: CopyOutput, options: ReaderOptions) {
    this.#table = table;
    this.#output = output;
    this.#options = options;
  }

  /** Reads and sends the whole table. */
  async run(): Promise<CopyProgress> {
    const { readers, partPages, open } = this.#options;
    const { pinned, plan } = this.#table;
    const ranges = rangesFor(plan.heaps, { readers, partPages });
    const left = [...ranges];
    const others = Array.from({ length: Math.min(readers, ranges.length) - 1 }, async () =>
      this.#readAll(await joinPinned(open, pinned), left),
    );
    const rests = await Promise.all([this.#readAll(pinned.client, left), ...others]);
    const [last = nothing, ...more] = rests.filter(({ bytes }) => bytes > 0);
    for (const rest of more) await this.#output.send(rest);
    await this.#output.send(last, this.#rows);
    await this.#output.flush();
    const position = { tick: pinned.tick, fingerprint: pinned.fingerprint };
    return { position, rows: this.#rows, bytes: this.#output.bytes };
  }

  /** Reads parts until none is left; gives the last chunk, unsent. */
  async #readAll(client: PgClient, left: (PageRange | 'all')[]): Promise<Chunk> {
    let rest: Chunk = nothing;
    for (let range = left.shift(); range !== undefined; range = left.shift()) {
      if (rest.bytes > 0) await this.#output.send(rest);
      rest = await this.#read(client, range === 'all' ? undefined : range);
    }
    return rest;
  }

  /** Reads a part of the table and sends it except for the last chunk, which it gives. */
  async #read(client: PgClient, range: PageRange | undefined): Promise<Chunk> {
    const reading = readTable(client, this.#table.plan, range);
    const maker = new ChunkMaker(this.#output.capacity);
    // While a row is sent that is larger than a chunk, no other reader may send.
    let endTurn: (() => void) | undefined;
    for await (const piece of reading.bytes) {
      for (const chunk of maker.add(piece)) {
        endTurn ??= await this.#output.takeTurn();
        await this.#output.put(chunk);
        if (!chunk.endsRow) continue;
        endTurn();
        endTurn = undefined;
      }
    }
    const rows = await reading.rows();
    this.#rows += rows;
    const rest = maker.end();
    if (endTurn === undefined) return rest;
    await this.#output.put(rest);
    endTurn();
    return nothing;
  }
}
