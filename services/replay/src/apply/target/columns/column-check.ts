import { parseSource, type TableName, tableKey } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { readSourceColumns, writeSourceColumns } from '@millrace/subscriber';
import type { Piece } from '../../plan/piece.ts';
import type { TableCache } from '../table-cache.ts';
import { matchColumns } from './match-columns.ts';

/** Checks the columns of pieces, once for each description of them, and stores what is new. */
export class ColumnCheck {
  readonly #client: Queryable;
  readonly #queue: string;
  readonly #tables: TableCache;
  /** Descriptions of columns that were checked. */
  readonly #checked = new Set<string>();
  /** Something was stored in the open transaction. */
  #hasStored = false;

  constructor(client: Queryable, queue: string, tables: TableCache) {
    this.#client = client;
    this.#queue = queue;
    this.#tables = tables;
  }

  /** True when `check` has nothing to query. */
  isDone(table: TableName, piece: Piece): boolean {
    return piece.source === undefined || piece.form === 'truncate' || this.#checked.has(descriptionOf(table, piece));
  }

  /**
   * To be called before the piece is written: throws SUBSCRIBER_SCHEMA when its columns are not those that the table was
   * synchronised with, or when their values would lose something here.
   */
  async check(table: TableName, piece: Piece): Promise<void> {
    if (this.isDone(table, piece)) return;
    const { columns } = piece;
    const source = parseSource(piece.source ?? '', columns.length);
    if (source !== undefined) {
      const target = await this.#tables.get(table);
      const known = await readSourceColumns(this.#client, this.#queue, table);
      const match = matchColumns(target, { columns, source }, known);
      if (match.records.length > 0) {
        this.#hasStored = true;
        await writeSourceColumns(this.#client, this.#queue, table, match);
      }
    }
    this.#checked.add(descriptionOf(table, piece));
  }

  committed(): void {
    this.#hasStored = false;
  }

  rolledBack(): void {
    if (this.#hasStored) this.#checked.clear();
    this.#hasStored = false;
  }

  /** Everything is checked again. */
  clear(): void {
    this.#checked.clear();
  }
}

function descriptionOf(table: TableName, { columns, source }: Piece): string {
  return `${tableKey(table)} ${JSON.stringify(columns)} ${source}`;
}
