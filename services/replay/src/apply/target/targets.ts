// Where row changes go: the subscriber's tables, the layouts of sections on them, and the temporary objects that serve those.
import { type TableName, tableKey } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { grantToOwner } from '@millrace/subscriber';
import { type Layout, layoutOf } from '../plan/layout.ts';
import { type SectionShape, shapeText } from '../plan/piece.ts';
import {
  type BatchStage,
  batchStage,
  createRowTypeSql,
  createStageSql,
  dropStageSql,
} from '../statements/stage-statements.ts';
import { ColumnCheck } from './columns/column-check.ts';
import { TableCache } from './table-cache.ts';

/** A layout with the temporary objects that serve it in this session. */
export interface PreparedLayout {
  readonly layout: Layout;
  readonly names: BatchStage;
  /** Names of prepared statements begin with this. */
  readonly prefix: string;
  hasStage: boolean;
  hasRowType: boolean;
}

const maxLayouts = 2000;

/** What a session knows of the tables it writes into. Forgotten after any error: somebody may have altered them. */
export class Targets {
  readonly #client: Queryable;
  readonly tables: TableCache;
  readonly columns: ColumnCheck;
  #prepared = new Map<string, PreparedLayout>();
  #lastNumber = 0;
  /** Layouts whose stage was created in the open transaction: a rollback drops it. */
  #stagedInside: PreparedLayout[] = [];

  constructor(client: Queryable, queue: string) {
    this.#client = client;
    this.tables = new TableCache(client);
    this.columns = new ColumnCheck(client, queue, this.tables);
  }

  /** What `prepare` would return, when that needs no query. */
  known(table: TableName, shape: SectionShape): PreparedLayout | undefined {
    return this.#prepared.get(layoutKey(table, shape));
  }

  /** Throws SUBSCRIBER_SCHEMA naming table and column when the table does not fit. */
  async prepare(table: TableName, shape: SectionShape): Promise<PreparedLayout> {
    const known = this.known(table, shape);
    if (known !== undefined) return known;
    const layout = layoutOf(await this.tables.get(table), shape.columns, shape.key);
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const prepared = {
      layout,
      names: batchStage(number),
      prefix: `millrace_${number}`,
      hasStage: false,
      hasRowType: false,
    };
    this.#prepared.set(layoutKey(table, shape), prepared);
    return prepared;
  }

  /** Creates the type in which few rows are sent. Call it outside transactions. */
  async ensureRowType(prepared: PreparedLayout): Promise<void> {
    if (prepared.hasRowType) return;
    await this.#client.query(createRowTypeSql(prepared.layout, prepared.names));
    prepared.hasRowType = true;
  }

  /** Creates the stage; a rollback of the open transaction drops it again. */
  async ensureStage(prepared: PreparedLayout): Promise<void> {
    if (prepared.hasStage) return;
    for (const sql of createStageSql(prepared.layout, prepared.names)) await this.#client.query(sql);
    const { names, layout } = prepared;
    await grantToOwner(this.#client, layout.table, 'SELECT', `${names.stage}, ${names.net}`);
    await grantToOwner(this.#client, layout.table, 'SELECT, INSERT', names.kept);
    prepared.hasStage = true;
    this.#stagedInside.push(prepared);
  }

  /** Forgets everything when a table was altered; checked at intervals. Call it outside transactions. */
  async refresh(): Promise<void> {
    if (await this.tables.wereAltered()) await this.forget();
  }

  committed(): void {
    this.#stagedInside = [];
    this.columns.committed();
  }

  /** After a rollback. `all`: what the catalog said may be wrong too, and prepared statements with it. */
  async rolledBack(all: boolean): Promise<void> {
    for (const prepared of this.#stagedInside) prepared.hasStage = false;
    this.#stagedInside = [];
    this.columns.rolledBack();
    if (all || this.#prepared.size > maxLayouts) await this.forget();
  }

  /** Forgets everything known and drops what was created. Call it outside transactions. */
  async forget(): Promise<void> {
    const created = [...this.#prepared.values()].filter((prepared) => prepared.hasStage || prepared.hasRowType);
    this.#prepared = new Map();
    this.tables.clear();
    this.columns.clear();
    for (const prepared of created) {
      for (const sql of dropStageSql(prepared.names)) await this.#client.query(sql);
    }
  }
}

function layoutKey(table: TableName, shape: SectionShape): string {
  return `${tableKey(table)} ${shapeText(shape)}`;
}
