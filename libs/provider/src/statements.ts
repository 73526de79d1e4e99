import { sqlFileRunner } from '@millrace/postgres';

/** Runs `sql/queries/NAME.sql`. The driver's errors are not given codes: whoever has the session names its database. */
export const runQuery = sqlFileRunner(new URL('../sql/queries/', import.meta.url));

/** Runs `sql/checks/NAME.sql`; errors likewise. */
export const runCheck = sqlFileRunner(new URL('../sql/checks/', import.meta.url));
