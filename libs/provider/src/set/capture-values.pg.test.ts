import type { PgClient } from '@millrace/postgres';
import { expect, test } from 'vitest';
import { captureFixture } from '../../test/capture-fixture.ts';
import { value } from '../../test/owned-database.ts';
import { queue } from '../../test/queue-fixture.ts';
import { addTable } from '../mod.ts';

/** Types that have hostile text, under settings that no two sessions share. */
const values = `CREATE TABLE src AS SELECT row_number() OVER () AS id, * FROM (VALUES
  ('2024-03-04'::date, '2024-03-04 05:06:07.123456+05:45'::timestamptz, 'infinity'::timestamp, '-1 year 2 mons -3 days 04:05:06.789'::interval,
   0.30000000000000004::float8, '-0'::float4, '\\x00ff5c22'::bytea, '12.34'::money, 'NaN'::numeric, point(0.1, 1e300), '[2024-03-04,)'::daterange,
   ARRAY['2024-03-04'::date, NULL], '[0:1]={1.1,2.2}'::float8[], '<a/>'::text, '{"a":1,"a":2}'::json, '$.a ? (@ > 0.1)'::jsonpath, '24:00:00'::time, '10:00:00+05:45'::timetz),
  ('4713-01-01 BC'::date, '-infinity'::timestamptz, '0044-03-15 12:00:00 BC'::timestamp, '0'::interval,
   '-Infinity'::float8, 1.1::float4, ''::bytea, '-0.01'::money, 1.10::numeric, point(-0.0, 'NaN'), 'empty'::daterange,
   '{}'::date[], NULL::float8[], '', 'null'::json, '$'::jsonpath, '00:00:00.000001'::time, '00:00:00-12'::timetz)
) v(d, tz, ts, i, f8, f4, b, m, num, pt, dr, da, fa, tx, j, jp, ti, ttz)`;
const hostile = [
  `SET DateStyle = 'SQL, DMY'`,
  `SET IntervalStyle = iso_8601`,
  `SET TimeZone = 'America/St_Johns'`,
  `SET extra_float_digits = -15`,
  `SET bytea_output = escape`,
  `SET search_path = ''`,
  `SET xmloption = document`,
  `SET default_transaction_isolation = serializable`,
  `SET work_mem = '64kB'`,
  `SET lock_timeout = '1ms'`,
  `SET standard_conforming_strings = off`,
  `SET quote_all_identifiers = on`,
  `SET row_security = off`,
  `SET transform_null_equals = on`,
  `SET enable_nestloop = off`,
  `SET enable_hashjoin = off`,
  `SET enable_sort = off`,
  `SET enable_indexscan = off`,
  `SET jit_above_cost = 0`,
  `SET plan_cache_mode = force_custom_plan`,
  `SET client_min_messages = debug1`,
];

async function roundTrip(
  client: PgClient,
  events: readonly { columns: readonly (string | null)[]; lines: readonly (readonly (string | null)[])[] }[],
): Promise<void> {
  for (const event of events) {
    for (const line of event.lines) {
      const places = line.map((_, i) => `$${i + 1}`).join(', ');
      await client.query(`DELETE FROM dst WHERE id = $1`, [line[event.columns.indexOf('id')]]);
      await client.query(
        `INSERT INTO dst (${event.columns.map((c) => client.escapeIdentifier(c ?? '')).join(', ')}) VALUES (${places})`,
        [...line],
      );
    }
  }
}

test.each([15, 18])('on PostgreSQL %i, values survive hostile sessions bit for bit', async (major) => {
  const at = await captureFixture(
    major,
    `${values}; CREATE TABLE t (LIKE src); ALTER TABLE t ADD PRIMARY KEY (id); CREATE TABLE dst (LIKE src)`,
    ['t'],
  );
  const app = await at.open();
  for (const setting of hostile) await app.query(setting);
  await app.query(`INSERT INTO public.t SELECT * FROM public.src WHERE id = 1`);
  await app.query(`INSERT INTO public.t SELECT * FROM public.src WHERE id > 1`);
  await roundTrip(at.client, await at.events());
  const differ = `SELECT count(*) FROM t FULL JOIN dst USING (id) WHERE t IS NULL OR dst IS NULL OR NOT (t.* *= dst.*)`;
  expect(Number(await value(at.client, differ))).toBe(0);
  await app.query(`DO $$ BEGIN UPDATE public.t SET tx = 'a'; UPDATE public.t SET tx = 'b' || f8; END $$`);
  await app.query(`UPDATE public.t SET tx = 'c' || d WHERE id = 1`);
  await roundTrip(at.client, await at.events());
  expect(Number(await value(at.client, differ))).toBe(0);
  expect(await value(app, 'SHOW DateStyle')).toBe('SQL, DMY');
  // A type that comes later, before the code is made anew: pinned for the moment, and given back.
  await at.run(`CREATE TABLE later (id int PRIMARY KEY, n int); INSERT INTO later VALUES (1, 1)`);
  await addTable(at.client, queue, { schema: 'public', name: 'later' });
  await app.query(`UPDATE public.later SET n = 0`);
  await at.run(`ALTER TABLE later ADD i interval, ADD f float8`);
  await app.query(
    `BEGIN; UPDATE public.later SET i = '1 day', f = 0.30000000000000004; UPDATE public.later SET f = 0.1::float8 + 0.2::float8; SELECT '1 day'::interval`,
  );
  expect(await value(app, `SELECT '1 day'::interval::text || 0.1::float8`)).toBe('P1D0.1');
  await app.query('COMMIT');
  expect((await at.events()).flatMap((e) => e.lines).slice(1)).toEqual([
    ['1', '0', '1 day', '0.30000000000000004'],
    ['1', '0', '1 day', '0.30000000000000004'],
  ]);
});
