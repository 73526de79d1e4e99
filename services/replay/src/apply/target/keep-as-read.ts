import type { Queryable } from '@millrace/postgres';
import { keepUnaltered, type TargetTable } from '@millrace/subscriber';
import { TableAltered } from '../errors/retry-signals.ts';

/** Before the first statement of a transaction on a table; throws TableAltered when it is not as it was read. */
export async function keepAsRead(client: Queryable, table: TargetTable): Promise<void> {
  if (!(await keepUnaltered(client, table))) throw new TableAltered(table);
}
