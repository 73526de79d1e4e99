import { sqlFileRunner } from '@millrace/postgres';

/** Runs `sql/queries/NAME.sql`. Throws the driver's errors. */
export const runQuery = sqlFileRunner(new URL('../sql/queries/', import.meta.url));

/** Runs `sql/checks/NAME.sql`; errors likewise. */
export const runCheck = sqlFileRunner(new URL('../sql/checks/', import.meta.url));
