import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { value } from '../../test/owned-database.ts';
import { queueFixture } from '../../test/queue-fixture.ts';

/** Schema pgq as others know it: tables with their columns, functions with their arguments, in the order of names. */
const contract = `SELECT string_agg(line, E'\\n' ORDER BY line COLLATE "C") || E'\\n' FROM (
  SELECT format('table %s.%s: %s', n.nspname, c.relname, (
    SELECT string_agg(format('%s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
             CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, coalesce(' = ' || pg_get_expr(d.adbin, d.adrelid), '')), ', ' ORDER BY a.attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0)) AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pgq', 'pgq_coop') AND c.relkind = 'r'
  UNION ALL
  SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
  WHERE c.relnamespace = 'pgq'::regnamespace
  UNION ALL
  SELECT format('function %s(%s) returns %s', p.oid::regproc, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid))
  FROM pg_proc p WHERE p.pronamespace IN ('pgq'::regnamespace, 'pgq_coop'::regnamespace)
) AS s`;

test('schema pgq is what its users rely on: the expected file changes only on purpose', async () => {
  const { client } = await queueFixture(15);
  await client.query('SET quote_all_identifiers = off; SET search_path = pg_catalog');
  const file = fileURLToPath(new URL('../../sql/pgq.expected.txt', import.meta.url));
  await expect(await value(client, contract)).toMatchFileSnapshot(file);
});

test('the same on PostgreSQL 18', async () => {
  const { client } = await queueFixture(18);
  await client.query('SET quote_all_identifiers = off; SET search_path = pg_catalog');
  const file = fileURLToPath(new URL('../../sql/pgq.expected.txt', import.meta.url));
  await expect(await value(client, contract)).toMatchFileSnapshot(file);
});
