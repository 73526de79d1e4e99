// What others put into the provider must not run as capture.
import { disconnect, tryLead } from '@millrace/postgres';
import { createDatabase, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { openSession } from './provider-session.ts';

test("a function in schema public that fits a call better than the server's own is not called", async () => {
  const { url, name } = await createDatabase();
  await query(url, `ALTER DATABASE "${name}" SET search_path = public, pg_catalog`);
  await query(
    url,
    `CREATE FUNCTION public.hashtextextended(text, integer) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN RAISE 'called as %', current_user; END $$`,
  );
  const client = await openSession(url, { applicationName: 'capture test' });
  onTestFinished(() => disconnect(client));
  const { rows } = await client.query('SHOW search_path');
  expect(rows).toEqual([{ search_path: 'pg_catalog, pg_temp' }]);
  expect(await tryLead(client, 'capture:test')).toBe(true);
});
