import { createDatabase, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { MaintenanceSession } from './maintenance-session.ts';

test('where autovacuum is off the small tables are vacuumed now and then, not at every look', async () => {
  const { url } = await createDatabase();
  await query(
    url,
    `CREATE SCHEMA pgq; CREATE TABLE pgq.small (id int);
     CREATE FUNCTION pgq.maint_retry_events() RETURNS int LANGUAGE sql AS 'SELECT 0';
     CREATE FUNCTION pgq.maint_operations() RETURNS TABLE (func_name text, func_arg text)
       LANGUAGE sql AS $$ SELECT 'vacuum', 'pgq.small' $$`,
  );
  const session = new MaintenanceSession({ queue: 'q', providerUrl: url, fault: () => undefined });
  onTestFinished(() => session.close());
  expect([await session.runDue(), await session.runDue(), await session.runDue()]).toEqual([1, 0, 0]);
});
