import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableKey } from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';
import { type ApplySession, planForManyRows } from '@millrace/subscriber';
import { CopyLane } from '../../copy/copy-lane.ts';
import { conflict, constraintOf, isHandedOver, NeedsCare, NeedsWhole, tableError } from '../errors/table-error.ts';
import { noKey } from '../few/few-rows.ts';
import type { NetKind } from '../net-change.ts';
import type { Piece } from '../plan/plan-batch.ts';
import {
  carefulSql,
  copyStageSql,
  copyTargetSql,
  deleteSql,
  emptyNetSql,
  emptyStageSql,
  expectedBeforeSql,
  fillNetSql,
  identityDiffersSql,
  insertAllSql,
  insertSql,
  otherThanInsertSql,
  type Source,
  stageFields,
  surveyAndFillSql,
  surveySql,
  updateSql,
} from '../statements/row-statements.ts';
import { isKeyOnly, type Layout, shapeOf } from '../target/layout.ts';
import type { Prepared, Targets } from '../target/targets.ts';

/** How rows are to be applied in this transaction. */
export interface ApplyMode {
  /** Tables whose touched rows are deleted and inserted again. */
  readonly careful: ReadonlySet<string>;
  /** Every change goes through staging, for an order between tables. */
  readonly stageAll: boolean;
  /** Tables of which nothing is applied before all of the batch is here. */
  readonly wholeOnly: ReadonlySet<string>;
  /** From so many staged lines on they are worth applying while the rest of a batch is on its way. */
  readonly partLines: number;
  /** upsert: rows that are not as expected are made right and counted. */
  readonly conflicts: 'stop' | 'upsert';
}

/** Parts grow with what is done already, so that their number stays small. */
const partOfDone = 0.5;

type Counts = Record<NetKind | 'keys' | 'lines' | 'bad', number>;

interface TableState {
  readonly table: TableName;
  /** What the stage holds; undefined: nothing is staged. */
  staged: { prepared: Prepared; shape: string; lines: number } | undefined;
  /** Lines that were applied in parts. */
  done: number;
  /** More than updates is staged: that waits for the end. */
  isMixed: boolean;
}

/** Puts lines of any number into tables within the open transaction: by COPY, directly or through a stage. */
export class BulkWriter {
  readonly #session: ApplySession;
  readonly #targets: Targets;
  readonly #mode: ApplyMode;
  readonly #lane: CopyLane;
  readonly #tables = new Map<string, TableState>();
  #plansSet = false;
  /** The table of which a COPY was ended between two records, though its section may go on. */
  #endedWhole: string | undefined;
  /** Rows that were not as expected and were made right (policy upsert). */
  conflicts = 0;

  constructor(session: ApplySession, targets: Targets, mode: ApplyMode) {
    this.#session = session;
    this.#targets = targets;
    this.#mode = mode;
    this.#lane = new CopyLane(session.client);
  }

  /** Takes a piece of a table's changes; pieces of one table come in order. */
  async write(table: TableName, piece: Piece): Promise<void> {
    const state = this.#stateOf(table);
    try {
      if (!this.#targets.isMatched(table, piece)) {
        await this.endCopy();
        await this.#targets.match(table, piece);
      }
      const direct = await this.#directCopy(state, piece);
      const sql = direct ?? (await this.#stageCopy(state, piece));
      if (piece.cont && !this.#lane.isOpenFor(sql) && this.#endedWhole !== tableKey(table))
        throw new MillraceError(codes.BAD_MESSAGE, 'a section goes on that did not begin');
      if (!this.#lane.isOpenFor(sql)) await this.endCopy();
      this.#endedWhole = undefined;
      await this.#lane.write({ sql, table }, piece.body, piece.lines);
      if (direct === undefined && state.staged !== undefined) state.staged.lines += piece.lines;
    } catch (error) {
      throw this.#named(error, table);
    }
  }

  /** Applies what is staged, of the given tables or of all. `again`: more may come for them in this transaction. */
  async flush(tables?: readonly TableName[]): Promise<void> {
    await this.endCopy();
    const wanted = tables === undefined ? undefined : new Set(tables.map(tableKey));
    const staged = [...this.#tables].filter(
      ([key, state]) => state.staged !== undefined && (wanted === undefined || wanted.has(key)),
    );
    for (const [key, state] of staged) {
      try {
        await this.#flushTable(key, state, { remove: true, write: true });
      } catch (error) {
        throw state.done > 0 ? new NeedsWhole(state.table) : error;
      }
      await this.#emptyStage(state, tables !== undefined);
    }
  }

  /**
   * Applies updates that are staged, of tables that have many, while more of the batch is on its way. To be called where no
   * record is cut. The net change of all lines is the same: what is applied is what the key's next line finds. Only
   * values in between are seen by constraints and triggers here; if one of them minds, it is NeedsWhole.
   */
  async applyParts(): Promise<void> {
    for (const [key, state] of this.#tables) {
      const { table, staged } = state;
      if (staged === undefined || !this.#isPartDue(key, state)) continue;
      if (this.#lane.table !== undefined) this.#endedWhole = tableKey(this.#lane.table);
      await this.endCopy();
      await this.#planForMany();
      try {
        if (!(await this.#applyUpdates(state, staged.prepared))) continue;
      } catch (error) {
        throw state.done > 0 ? new NeedsWhole(table) : tableError(error, table);
      }
      await this.#emptyStage(state, true);
    }
  }

  /** True when `applyParts` has something to do. */
  get isPartDue(): boolean {
    return [...this.#tables].some(([key, state]) => this.#isPartDue(key, state));
  }

  #isPartDue(key: string, { staged, done, isMixed }: TableState): boolean {
    if (staged === undefined || isMixed || staged.lines < Math.max(this.#mode.partLines, done * partOfDone))
      return false;
    if (this.#mode.stageAll || this.#mode.careful.has(key) || this.#mode.wholeOnly.has(key)) return false;
    return staged.prepared.layout.keyIndex !== undefined;
  }

  /** False: something else than updates is there, and nothing was done. */
  async #applyUpdates(state: TableState, prepared: Prepared): Promise<boolean> {
    const { client } = this.#session;
    const counts = await this.#survey(prepared, true);
    if (counts.update < counts.keys) {
      state.isMixed = true;
      await client.query(emptyNetSql(prepared.names));
      return false;
    }
    state.done += counts.lines;
    await this.#writeNet(state.table, prepared, counts);
    return true;
  }

  /** The same in a session that enforces foreign keys: rows come parents first, then go children first. */
  async flushInOrder(parentsFirst: readonly TableName[]): Promise<void> {
    await this.endCopy();
    const staged = parentsFirst.flatMap((table) => {
      const state = this.#tables.get(tableKey(table));
      return state?.staged === undefined ? [] : [[tableKey(table), state] as const];
    });
    for (const [key, state] of staged) await this.#flushTable(key, state, { remove: false, write: true });
    for (const [key, state] of staged.toReversed()) await this.#flushTable(key, state, { remove: true, write: false });
    for (const [, state] of staged) await this.#emptyStage(state, true);
  }

  /** Tables that have something staged. */
  stagedTables(): TableName[] {
    return [...this.#tables.values()].filter((state) => state.staged !== undefined).map((state) => state.table);
  }

  /** Leaves the session fit for a rollback. Never throws. */
  abort(): Promise<void> {
    return this.#lane.abort();
  }

  #stateOf(table: TableName): TableState {
    const key = tableKey(table);
    let state = this.#tables.get(key);
    if (state === undefined) {
      state = { table, staged: undefined, done: 0, isMixed: false };
      this.#tables.set(key, state);
    }
    return state;
  }

  /** Inserts go straight into the table while nothing of it is staged. */
  async #directCopy(state: TableState, piece: Piece): Promise<string | undefined> {
    const { table, staged } = state;
    if (piece.form !== 'insert' || staged !== undefined) return undefined;
    if (this.#mode.stageAll || this.#mode.careful.has(tableKey(table)) || piece.columns.length === 0) return undefined;
    const { layout } = await this.#prepare(table, piece, false);
    return layout.fields.includes(null) ? undefined : copyTargetSql(layout);
  }

  async #stageCopy(state: TableState, piece: Piece): Promise<string> {
    const keyOnly = piece.form === 'change' && isKeyOnly(piece.columns, piece.key);
    const shape = shapeOf(piece.columns, piece.key);
    const { staged } = state;
    const fits =
      staged !== undefined && (staged.shape === shape || (keyOnly && sameKey(staged.prepared.layout, piece.key)));
    if (staged !== undefined && !fits) await this.flush([state.table]);
    if (state.staged === undefined) {
      const prepared = await this.#prepare(state.table, piece, true);
      state.staged = { prepared, shape, lines: 0 };
    }
    const { prepared } = state.staged;
    const fields =
      state.staged.shape === shape ? stageFields(prepared.layout) : piece.columns.map((name) => quoteIdent(name ?? ''));
    return copyStageSql(prepared.names, fields, piece.form === 'insert' ? 'insert' : 'change');
  }

  /** What is known needs no query; anything else needs the session, which an open COPY occupies. */
  async #prepare(table: TableName, piece: Piece, needStage: boolean): Promise<Prepared> {
    const known = this.#targets.known(table, piece.columns, piece.key);
    if (known !== undefined && (known.hasStage || !needStage)) return known;
    await this.endCopy();
    const made = await this.#targets.prepare(table, piece.columns, piece.key);
    if (needStage) await this.#targets.needStage(made);
    return made;
  }

  /** Frees the session for statements. */
  async endCopy(): Promise<void> {
    const table = this.#lane.table;
    try {
      await this.#lane.end();
    } catch (error) {
      throw table === undefined ? error : this.#named(error, table);
    }
  }

  #named(error: unknown, table: TableName): unknown {
    if (error instanceof NeedsCare) return error;
    if (isHandedOver(error)) return this.#handedOver(error, table);
    return tableError(error, this.#lane.table ?? table);
  }

  #handedOver(error: unknown, table: TableName, layout?: Layout): unknown {
    if (this.#mode.careful.has(tableKey(table))) return tableError(error, table);
    if (layout?.keyIndex !== undefined && constraintOf(error) === layout.keyIndex.name) {
      return conflict(table, { op: 'insert', wrong: 1, of: 1 });
    }
    return new NeedsCare(table, tableError(error, table));
  }

  async #flushTable(
    key: string,
    { table, staged }: TableState,
    phase: { remove: boolean; write: boolean },
  ): Promise<void> {
    if (staged === undefined) return;
    const { prepared } = staged;
    await this.#planForMany();
    try {
      if (prepared.layout.keyIndex === undefined) await this.#insertAll(prepared, staged.lines);
      else if (this.#mode.careful.has(key)) await this.#applyCarefully(table, prepared, phase);
      else await this.#applyNet(table, prepared, { ...phase, lines: staged.lines });
    } catch (error) {
      if (isHandedOver(error)) throw this.#handedOver(error, table, prepared.layout);
      throw error instanceof NeedsCare ? error : tableError(error, table);
    }
  }

  async #planForMany(): Promise<void> {
    if (!this.#plansSet) await planForManyRows(this.#session.client);
    this.#plansSet = true;
  }

  async #emptyStage(state: TableState, again: boolean): Promise<void> {
    if (state.staged === undefined) return;
    // At the end of the transaction the server empties them by itself.
    if (again) await this.#session.client.query(emptyStageSql(state.staged.prepared.names));
    state.staged = undefined;
  }

  async #insertAll({ layout, names }: Prepared, lines: number): Promise<void> {
    const { client } = this.#session;
    const odd = await client.query(otherThanInsertSql(names));
    if (odd.rowCount !== 0) throw noKey(layout.table);
    const done = await client.query(insertAllSql(layout, names));
    if (done.rowCount !== lines) throw new MillraceError(codes.INTERNAL, 'not every staged row was inserted');
  }

  async #survey({ layout, names }: Prepared, fill: boolean): Promise<Counts> {
    const found = await this.#session.client.query((fill ? surveyAndFillSql : surveySql)(layout, names));
    const counts = Object.fromEntries(
      Object.entries(found.rows[0]).map(([name, value]) => [name, Number(value)]),
    ) as Counts;
    if (counts.bad > 0) throw new MillraceError(codes.BAD_MESSAGE, 'a change record has an unknown op');
    return counts;
  }

  async #applyNet(
    table: TableName,
    prepared: Prepared,
    phase: { remove: boolean; write: boolean; lines: number },
  ): Promise<void> {
    const { layout } = prepared;
    const counts = await this.#survey(prepared, phase.write);
    const source = sourceOf(prepared, counts);
    if (phase.remove && counts.remove > 0)
      expectAll(table, 'delete', await this.#run(deleteSql(layout, source('remove'), 'remove')), counts.remove);
    if (phase.remove && counts.wipe > 0) await this.#run(deleteSql(layout, source('wipe'), 'wipe'));
    if (phase.write) await this.#writeNet(table, prepared, counts);
  }

  async #run(sql: string): Promise<number> {
    return (await this.#session.client.query(sql)).rowCount ?? 0;
  }

  async #writeNet(table: TableName, prepared: Prepared, counts: Counts): Promise<void> {
    const { layout } = prepared;
    const source = sourceOf(prepared, counts);
    for (const kind of ['update', 'put'] as const) {
      if (counts[kind] === 0) continue;
      const differs = identityDiffersSql(layout, source(kind), kind);
      if (differs !== undefined && (await this.#run(differs)) > 0) throw new NeedsCare(table, undefined);
      const updated = await this.#run(updateSql(layout, source(kind), kind));
      if (kind === 'update') expectAll(table, 'update', updated, counts.update);
      else if (updated < counts.put) await this.#run(insertSql(layout, source(kind), kind, true));
    }
    if (counts.insert > 0) await this.#run(insertSql(layout, source('insert'), 'insert'));
  }

  async #applyCarefully(
    table: TableName,
    prepared: Prepared,
    phase: { remove: boolean; write: boolean },
  ): Promise<void> {
    if (!phase.write) return;
    const { client } = this.#session;
    const { layout, names } = prepared;
    await this.#survey(prepared, false);
    await client.query(fillNetSql(layout, names));
    const sql = carefulSql(layout, names);
    if (layout.extras.length > 0) await client.query(sql.keep);
    const expected = Number((await client.query(expectedBeforeSql(names))).rows[0].yes);
    const gone = (await client.query(sql.remove)).rows[0];
    this.#checkGone(table, { expected, yes: Number(gone.yes), no: Number(gone.no) });
    if (layout.extras.length > 0) await client.query(sql.insertKept);
    await client.query(sql.insertNew);
  }

  #checkGone(table: TableName, { expected, yes, no }: { expected: number; yes: number; no: number }): void {
    const missing = expected - yes;
    this.conflicts += missing + no;
    if (this.#mode.conflicts === 'upsert') return;
    if (missing > 0) throw conflict(table, { op: 'update or delete', wrong: missing, of: expected });
    if (no > 0) throw conflict(table, { op: 'insert', wrong: no, of: no });
  }
}

/** Where the lines of each kind are to be had, after a survey that filled the net table if keys have several. */
function sourceOf({ names }: Prepared, counts: Counts): (kind: NetKind) => Source {
  const single = counts.keys === counts.lines;
  return (kind) => (single ? { from: 'stage', names, all: counts[kind] === counts.keys } : { from: 'net', names });
}

function expectAll(table: TableName, op: string, got: number, of: number): void {
  if (got !== of) throw conflict(table, { op, wrong: Math.abs(of - got), of });
}

function sameKey(layout: Layout, key: readonly string[]): boolean {
  return layout.key.length === key.length && layout.key.every((k) => key.includes(k.column.name));
}
