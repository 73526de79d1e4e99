import { sqlFolder } from '@millrace/postgres';

/** The statement in `sql/NAME.sql` of this library. */
export const sqlText = sqlFolder(new URL('../../sql/', import.meta.url));
