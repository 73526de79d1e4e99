// Writes pieces by COPY: straight into their table, or into its stage.
import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableKey } from '@millrace/model';
import { quoteIdent } from '@millrace/postgres';
import type { ApplySession } from '@millrace/subscriber';
import { RetryUnsplit, RetryWithRowReplacement } from '../errors/retry-signals.ts';
import { writeError } from '../errors/uniqueness-conflict.ts';
import { isKeyOnly, type Piece, type SectionShape, shapeText } from '../plan/piece.ts';
import type { ApplyMode } from '../retry.ts';
import { CopyStream } from '../session/copy-stream.ts';
import { copyStageSql, stageFields } from '../statements/stage-statements.ts';
import { copyTargetSql } from '../statements/table-statements.ts';
import type { PreparedLayout, Targets } from '../target/targets.ts';
import type { StagedRows } from './stage-applier.ts';

export class PieceWriter {
  readonly #targets: Targets;
  readonly #mode: ApplyMode;
  readonly #copy: CopyStream;
  /** The table of which a COPY was ended between two records, though its section may go on. */
  #endedBetweenRecords: string | undefined;

  constructor({ client }: ApplySession, targets: Targets, mode: ApplyMode) {
    this.#targets = targets;
    this.#mode = mode;
    this.#copy = new CopyStream(client);
  }

  async checkColumns(table: TableName, piece: Piece): Promise<void> {
    if (this.#targets.columns.isDone(table, piece)) return;
    await this.end();
    await this.#targets.columns.check(table, piece);
  }

  /** Inserts go straight into the table. False: the piece must be staged, and nothing was written. */
  async writeDirectly(table: TableName, piece: Piece): Promise<boolean> {
    if (piece.form !== 'insert' || piece.columns.length === 0) return false;
    if (this.#mode.stageAll || this.#mode.rowReplacement.has(tableKey(table))) return false;
    const { layout } = await this.#prepare(table, piece, { needsStage: false });
    // COPY cannot be run within a function, which statements as the owner need.
    if (layout.fields.includes(null) || layout.table.owner.actAs) return false;
    await this.#write(copyTargetSql(layout), table, piece);
    return true;
  }

  /** Adds a piece to what is staged, which it `fitsStage`. Resolves to what is staged then. */
  async stage(table: TableName, staged: StagedRows | undefined, piece: Piece): Promise<StagedRows> {
    const shape = shapeText(piece);
    const rows = staged ?? {
      table,
      prepared: await this.#prepare(table, piece, { needsStage: true }),
      shape,
      lines: 0,
    };
    const { layout, names } = rows.prepared;
    const fields = rows.shape === shape ? stageFields(layout) : piece.columns.map((name) => quoteIdent(name ?? ''));
    await this.#write(copyStageSql(names, fields, piece.form === 'insert' ? 'insert' : 'change'), table, piece);
    rows.lines += piece.lines;
    return rows;
  }

  /** Ends the open COPY, so that the session takes statements. */
  async end(): Promise<void> {
    const { table } = this.#copy;
    try {
      await this.#copy.end();
    } catch (error) {
      throw table === undefined ? error : this.errorOf(error, table);
    }
  }

  /** The same where the open COPY ends with a whole record: its section may go on in another COPY. */
  async endBetweenRecords(): Promise<void> {
    const { table } = this.#copy;
    if (table !== undefined) this.#endedBetweenRecords = tableKey(table);
    await this.end();
  }

  /** Makes the session ready for a rollback. Never throws. */
  abort(): Promise<void> {
    return this.#copy.abort();
  }

  /** What to throw for an error while pieces of a table are written. */
  errorOf(error: unknown, table: TableName): unknown {
    if (error instanceof RetryWithRowReplacement || error instanceof RetryUnsplit) return error;
    return writeError(error, { table, isReplacing: this.#mode.rowReplacement.has(tableKey(table)) });
  }

  async #write(sql: string, table: TableName, piece: Piece): Promise<void> {
    const continuesOpenCopy = this.#copy.isOpenFor(sql);
    if (piece.cont && !continuesOpenCopy && this.#endedBetweenRecords !== tableKey(table))
      throw new MillraceError(codes.BAD_MESSAGE, 'a section goes on that did not begin');
    if (!continuesOpenCopy) await this.end();
    this.#endedBetweenRecords = undefined;
    await this.#copy.write({ sql, table }, piece.body, piece.lines);
  }

  /** What is known needs no query; anything else needs the session, which an open COPY occupies. */
  async #prepare(
    table: TableName,
    shape: SectionShape,
    { needsStage }: { needsStage: boolean },
  ): Promise<PreparedLayout> {
    const known = this.#targets.known(table, shape);
    if (known !== undefined && (known.hasStage || !needsStage)) return known;
    await this.end();
    const prepared = await this.#targets.prepare(table, shape);
    if (needsStage) await this.#targets.ensureStage(prepared);
    return prepared;
  }
}

/** True when a piece can be added to what is staged: it has the same columns, or only the key. */
export function fitsStage({ shape, prepared }: StagedRows, piece: Piece): boolean {
  if (shape === shapeText(piece)) return true;
  const { key } = prepared.layout;
  return (
    piece.form === 'change' &&
    isKeyOnly(piece) &&
    key.length === piece.key.length &&
    key.every(({ column }) => piece.key.includes(column.name))
  );
}
