// Who may do what, by the catalogs: each role of the documents and a stranger, for every function, table and sequence of ours.
// A new one is a difference: decide who may use it, then renew with MILLRACE_RENEW=1 and read what changed.

import { test } from 'vitest';
import { expectText } from '../../test/generated-sql.ts';
import { queue, queueFixture } from '../../test/queue-fixture.ts';
import { addTable } from '../mod.ts';

const roles = [
  'millrace_owner',
  'millrace_capture',
  'millrace_ticker',
  'millrace_app',
  'pgq_admin',
  'pgq_reader',
  'pgq_writer',
];

/** One line for each object: its kind and name, then who has which right; `everybody` for PUBLIC, else the roles that have more. */
const matrix = `WITH role AS (SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname = ANY ($1)),
  object AS (
    SELECT 'function ' || regexp_replace(p.oid::regprocedure::text, '[0-9]{5,}', 'N', 'g') AS name, 'f' AS kind, p.oid, ARRAY['EXECUTE'] AS rights
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace')
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || c.oid::regclass, c.relkind::text, c.oid,
      CASE c.relkind WHEN 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER'] END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')),
  held AS (
    SELECT o.name, coalesce(r.rolname, 'everybody') AS who, x.privilege, r.oid IS NULL AS is_public
    FROM object o CROSS JOIN unnest(o.rights) AS x(privilege) CROSS JOIN (SELECT oid, rolname FROM role UNION ALL SELECT NULL, NULL) AS r
    WHERE CASE o.kind
      WHEN 'f' THEN CASE WHEN r.oid IS NULL THEN has_function_privilege('public', o.oid, x.privilege) ELSE has_function_privilege(r.oid, o.oid, x.privilege) END
      WHEN 'S' THEN CASE WHEN r.oid IS NULL THEN has_sequence_privilege('public', o.oid, x.privilege) ELSE has_sequence_privilege(r.oid, o.oid, x.privilege) END
      ELSE CASE WHEN r.oid IS NULL THEN has_table_privilege('public', o.oid, x.privilege) ELSE has_table_privilege(r.oid, o.oid, x.privilege) END END),
  listed AS (
    SELECT h.name, h.who, string_agg(h.privilege, ',' ORDER BY h.privilege) AS rights FROM held h
    WHERE h.is_public OR NOT EXISTS (SELECT FROM held p WHERE p.is_public AND p.name = h.name AND p.privilege = h.privilege)
    GROUP BY h.name, h.who)
  SELECT o.name || ': ' || coalesce((SELECT string_agg(l.who || ' ' || l.rights, '; ' ORDER BY l.who) FROM listed l WHERE l.name = o.name), 'nobody') AS line
  FROM (SELECT DISTINCT name FROM object) AS o ORDER BY o.name COLLATE "C"`;

test('every function, table and sequence is for whom the expectation says', async () => {
  const { client } = await queueFixture(18);
  await client.query('CREATE TABLE public.t (id int PRIMARY KEY)');
  await addTable(client, queue, { schema: 'public', name: 't' });
  await client.query(`SELECT pgq.create_queue('jobs')`);
  const { rows } = await client.query<{ line: string }>(matrix, [roles]);
  await expectText('rights', rows.map(({ line }) => `${line}\n`).join(''));
});
