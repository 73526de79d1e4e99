import { codes, verdictOf } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import { disconnect, withTransaction } from '@millrace/postgres';
import { dropCopyStage, dropPending, moveTable } from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import { type LoadTarget, openCopySession } from './load.ts';

export interface RefusedCopy {
  readonly attempt: number;
  readonly error: string;
}

/**
 * Moves a table whose copy was refused to `held`, where it waits for a person. False: that could not be written. True also when
 * another state is wanted of the table by now.
 */
export async function holdTable(target: LoadTarget, { attempt, error }: RefusedCopy, log: Logger): Promise<boolean> {
  const { queue, table, copyId } = target;
  try {
    const { client } = await openCopySession(target);
    const hold = async () => {
      await moveTable(client, queue, table, { to: 'held', ifCopy: copyId, copyAttempt: attempt, error });
      await dropPending(client, queue, table);
      await dropCopyStage(client, queue, copyId);
    };
    try {
      await withTransaction(client, hold);
    } finally {
      await disconnect(client);
    }
    log.warn({ table: tableLabel(table) }, 'the table is held: its copy cannot be loaded');
    return true;
  } catch (fault) {
    return verdictOf(fault).code === codes.NOT_LEADER;
  }
}
