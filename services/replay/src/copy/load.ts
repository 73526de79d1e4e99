// What the two ways of loading a copy have in common.
import { codes, MillraceError } from '@millrace/errors';
import { defineFailpoints } from '@millrace/lifecycle';
import { type TableName, tableLabel } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type ApplySession, moveTable, openBoundSession, readTarget, writeSourceColumns } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import { lacksTable } from '../apply/plan/layout.ts';
import { copiedColumns, type ReportedColumns } from '../apply/target/columns/match-columns.ts';

export const [COPY_BEFORE_COMMIT] = defineFailpoints('replay.copy-before-commit');

/** One attempt at a copy on its way into the table. */
export interface Load {
  /** Takes the next chunk; false: it was loaded already. */
  write(message: Message<CopyHeader>): Promise<boolean>;
  /** Makes the rows visible and the table catching-up, in one transaction. Resolves to their number. */
  complete(end: CopyEnd): Promise<number>;
  /** Ends its sessions; what is not committed is undone. Never throws; does nothing after `complete`. */
  abort(): Promise<void>;
}

/** What is known of a copy at its end. */
export interface CopyEnd extends ReportedColumns {
  readonly attempt: number;
  readonly tick: number;
  /** Rows of the whole copy; undefined: not reported. */
  readonly rows: number | undefined;
  readonly bytes: number;
}

/** Which copy is loaded, and where. */
export interface LoadTarget {
  readonly url: string;
  readonly queue: string;
  readonly table: TableName;
  readonly copyId: number;
  /** With it all sessions of the load end. */
  readonly signal: AbortSignal;
}

/** What a session of a copy does when the copy is stopped may take this much longer, ms. */
const stopGraceMs = 1000;

/** A session of a copy; it ends with the copy. */
export function openCopySession({ url, signal }: Pick<LoadTarget, 'url' | 'signal'>): Promise<ApplySession> {
  return openBoundSession({ url, applicationName: 'millrace replay copy', signal, graceMs: stopGraceMs });
}

/** The table catches up from now on. In the transaction that brought its rows. */
export async function markLoaded(
  client: PgClient,
  { queue, table, copyId }: LoadTarget,
  end: CopyEnd & { readonly rows: number },
): Promise<void> {
  const target = await readTarget(client, table);
  if (target === undefined) throw lacksTable(table);
  await writeSourceColumns(client, queue, table, { records: copiedColumns(target, end), isOtherTable: true });
  await moveTable(client, queue, table, {
    to: 'catching-up',
    ifCopy: copyId,
    copyAttempt: end.attempt,
    copyTick: end.tick,
    copiedRows: end.rows,
    copiedBytes: end.bytes,
    error: null,
  });
}

/** Another number of rows arrived than was sent: the copy must be sent again. */
export class RowCountMismatch extends MillraceError {
  constructor({ table }: LoadTarget) {
    super(codes.BAD_MESSAGE, `the copy of ${tableLabel(table)} has another number of rows than announced`);
  }
}
