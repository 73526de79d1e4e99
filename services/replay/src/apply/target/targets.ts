import { parseSource, type TableName, tableKey } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { readSourceColumns, readTarget, readVersion, type TargetTable, writeSourceColumns } from '@millrace/subscriber';
import type { Piece } from '../plan/plan-batch.ts';
import {
  createLineSql,
  createStageSql,
  dropStageSql,
  type StageNames,
  stageNames,
} from '../statements/row-statements.ts';
import { type Layout, lacksTable, layoutOf, shapeOf } from './layout.ts';
import { matchColumns } from './match-columns.ts';

/** A layout with the temporary objects that serve it in this session. */
export interface Prepared {
  readonly layout: Layout;
  readonly names: StageNames;
  /** Names of prepared statements begin with this. */
  readonly prefix: string;
  hasStage: boolean;
  hasLine: boolean;
}

const mostLayouts = 2000;
const refreshMs = 2000;

/** What a session knows of the tables it writes into. Forgotten after any error: somebody may have altered them. */
export class Targets {
  readonly #client: Queryable;
  readonly #queue: string;
  #tables = new Map<string, TargetTable>();
  #prepared = new Map<string, Prepared>();
  #number = 0;
  #version: string | undefined;
  #refreshedAt = 0;
  /** Objects of the open transaction: gone with it if it fails. */
  #madeInside: Prepared[] = [];
  /** Descriptions of columns that were compared with what is known of them. */
  readonly #matched = new Set<string>();
  /** What is known of columns was written in the open transaction. */
  #notedInside = false;

  constructor(client: Queryable, queue: string) {
    this.#client = client;
    this.#queue = queue;
  }

  /** True when `match` has nothing to ask the server. */
  isMatched(table: TableName, piece: Piece): boolean {
    return piece.source === undefined || piece.form === 'truncate' || this.#matched.has(matchOf(table, piece));
  }

  /**
   * To be called before the piece is written: throws SUBSCRIBER_SCHEMA when its columns are not those that the table was
   * synchronised with, or their values would lose something here. Writes down what is new and right.
   */
  async match(table: TableName, piece: Piece): Promise<void> {
    if (this.isMatched(table, piece)) return;
    const { columns } = piece;
    const source = parseSource(piece.source ?? '', columns.length);
    if (source !== undefined) {
      const target = await this.table(table);
      const known = await readSourceColumns(this.#client, this.#queue, table);
      const noted = matchColumns(target, { columns, source }, known);
      if (noted.records.length > 0) {
        this.#notedInside = true;
        await writeSourceColumns(this.#client, this.#queue, table, noted);
      }
    }
    this.#matched.add(matchOf(table, piece));
  }

  /** Throws SUBSCRIBER_SCHEMA when there is no such table. */
  async table(table: TableName): Promise<TargetTable> {
    const key = tableKey(table);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const found = await readTarget(this.#client, table);
    if (found === undefined) throw lacksTable(table);
    this.#tables.set(key, found);
    // The next look only notes how things are with this table among them.
    this.#version = undefined;
    this.#refreshedAt = 0;
    return found;
  }

  /** What `prepare` would give without asking the server. */
  known(table: TableName, columns: readonly (string | null)[], key: readonly string[]): Prepared | undefined {
    return this.#prepared.get(`${tableKey(table)} ${shapeOf(columns, key)}`);
  }

  /** Throws SUBSCRIBER_SCHEMA naming table and column when the table does not fit. */
  async prepare(table: TableName, columns: readonly (string | null)[], key: readonly string[]): Promise<Prepared> {
    const known = this.known(table, columns, key);
    if (known !== undefined) return known;
    const id = `${tableKey(table)} ${shapeOf(columns, key)}`;
    const layout = layoutOf(await this.table(table), columns, key);
    this.#number += 1;
    const prepared = {
      layout,
      names: stageNames(this.#number),
      prefix: `millrace_${this.#number}`,
      hasStage: false,
      hasLine: false,
    };
    this.#prepared.set(id, prepared);
    return prepared;
  }

  /** Makes the type that a few lines travel in. Call it outside transactions. */
  async needLine(prepared: Prepared): Promise<void> {
    if (prepared.hasLine) return;
    await this.#client.query(createLineSql(prepared.layout, prepared.names));
    prepared.hasLine = true;
  }

  /** Makes the stage; inside a transaction it vanishes again with a rollback. */
  async needStage(prepared: Prepared): Promise<void> {
    if (prepared.hasStage) return;
    for (const sql of createStageSql(prepared.layout, prepared.names)) await this.#client.query(sql);
    prepared.hasStage = true;
    this.#madeInside.push(prepared);
  }

  /** Now and then: forgets everything when a table was altered since. Call it outside transactions. */
  async refresh(): Promise<void> {
    if (this.#tables.size === 0 || performance.now() - this.#refreshedAt < refreshMs) return;
    const oids = [...this.#tables.values()].map((table) => table.oid);
    const version = await readVersion(this.#client, oids);
    if (this.#version !== undefined && this.#version !== version) await this.forget();
    this.#version = this.#tables.size === 0 ? undefined : version;
    this.#refreshedAt = performance.now();
  }

  committed(): void {
    this.#madeInside = [];
    this.#notedInside = false;
  }

  /** After a rollback. `all`: what the catalog said may be wrong too, and prepared statements with it. */
  async rolledBack(all: boolean): Promise<void> {
    for (const prepared of this.#madeInside) prepared.hasStage = false;
    this.#madeInside = [];
    if (this.#notedInside) this.#matched.clear();
    this.#notedInside = false;
    if (all || this.#prepared.size > mostLayouts) await this.forget();
  }

  /** Drops everything known and made. Call it outside transactions. */
  async forget(): Promise<void> {
    const old = [...this.#prepared.values()].filter((prepared) => prepared.hasStage || prepared.hasLine);
    this.#tables = new Map();
    this.#prepared = new Map();
    this.#matched.clear();
    this.#version = undefined;
    for (const prepared of old) {
      for (const sql of dropStageSql(prepared.names)) await this.#client.query(sql);
    }
  }
}

function matchOf(table: TableName, { columns, source }: Piece): string {
  return `${tableKey(table)} ${JSON.stringify(columns)} ${source}`;
}
