-- Purpose:    what of a table's owner runs when its rows are written or a statement on it is planned, and whether this role may act as
--             that owner. Expressions of the server's own functions that run no SQL are no code of the owner.
-- Parameters: $1 schema; $2 table; $3 true: triggers and rules of the ordinary kind stay silent.
-- Returns:    one row: owner, owner_oid; own: whoever can act as the owner can act as this role, or is a superuser; member: this role
--             may act as the owner; may: and the owner may make temporary functions; code: names of what runs, as JSON; nested: some
--             of it runs already when a value is read.
-- Reads:      pg_class, pg_trigger, pg_rewrite, pg_policy, pg_constraint, pg_index, pg_attrdef, pg_partitioned_table, pg_type, pg_proc, pg_operator.
WITH RECURSIVE root AS (
  SELECT c.oid, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
), part (oids) AS (
  -- As an array: the planner takes the function for a thousand parts, and the recursion below for a million rows.
  SELECT ARRAY(SELECT oid FROM root UNION SELECT p.relid FROM root CROSS JOIN LATERAL pg_partition_tree(root.oid) p)
), expression (what, tree) AS (
  SELECT format('check %I', k.conname), k.conbin::text FROM pg_constraint k WHERE k.contype = 'c' AND k.conrelid = ANY ((SELECT oids FROM part)::oid[])
  UNION ALL
  SELECT format('index %I', c.relname), concat(i.indexprs::text, i.indpred::text)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE i.indrelid = ANY ((SELECT oids FROM part)::oid[]) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
  UNION ALL
  SELECT format(CASE WHEN a.attgenerated = '' THEN 'default of column %I' ELSE 'generated column %I' END, a.attname), d.adbin::text
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = ANY ((SELECT oids FROM part)::oid[])
  UNION ALL
  SELECT 'partition key', p.partexprs::text FROM pg_partitioned_table p WHERE p.partrelid = ANY ((SELECT oids FROM part)::oid[]) AND p.partexprs IS NOT NULL
), used (what, kind, id) AS (
  SELECT e.what, m[1], m[2]::oid FROM expression e
  CROSS JOIN LATERAL regexp_matches(e.tree, ':(\w*funcid|opno|\w*type|\w*typeid) (\d+)', 'g') AS m
), reached (col, typ, nested) AS (
  SELECT DISTINCT a.attname, a.atttypid, false FROM pg_attribute a WHERE a.attrelid = ANY ((SELECT oids FROM part)::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT r.col, n.typ, r.nested OR n.nested
  FROM reached r JOIN pg_type t ON t.oid = r.typ
  CROSS JOIN LATERAL (
    SELECT t.typbasetype, false WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem, true WHERE t.typelem <> 0
    UNION ALL SELECT a.atttypid, true FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT g.rngsubtype, true FROM pg_range g WHERE g.rngtypid = t.oid OR g.rngmultitypid = t.oid) n(typ, nested)
), code (what, nested) AS (
  SELECT format('trigger %I', g.tgname), false FROM pg_trigger g
  WHERE g.tgrelid = ANY ((SELECT oids FROM part)::oid[]) AND NOT g.tgisinternal AND g.tgparentid = 0
    AND (g.tgenabled IN ('A', 'R') OR (g.tgenabled = 'O' AND NOT $3::boolean))
  UNION ALL
  SELECT format('rule %I', r.rulename), false FROM pg_rewrite r
  WHERE r.ev_class = ANY ((SELECT oids FROM part)::oid[]) AND (r.ev_enabled IN ('A', 'R') OR (r.ev_enabled = 'O' AND NOT $3::boolean))
  UNION ALL
  SELECT format('policy %I', p.polname), false FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
  WHERE p.polrelid = ANY ((SELECT oids FROM part)::oid[]) AND c.relrowsecurity
  UNION ALL
  SELECT u.what, false FROM used u LEFT JOIN pg_operator o ON u.kind = 'opno' AND o.oid = u.id
    LEFT JOIN pg_proc f ON f.oid = CASE WHEN u.kind = 'opno' THEN o.oprcode::oid ELSE u.id END
  WHERE u.id <> 0 AND (u.kind = 'opno' OR u.kind LIKE '%funcid') AND NOT coalesce(
    (f.provolatile <> 'v' OR (f.oid < 16384 AND f.proname IN ('nextval', 'random', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday')))
    AND f.proname !~ '_to_xml' AND (f.oid < 16384 OR (f.prolang IN (SELECT l.oid FROM pg_language l WHERE l.lanname IN ('c', 'internal'))
      AND (SELECT s.rolsuper FROM pg_roles s WHERE s.oid = f.proowner))), false)
  UNION ALL
  SELECT u.what, false FROM used u JOIN pg_type t ON t.oid = u.id
  WHERE u.kind LIKE '%type%' AND t.oid >= 16384 AND t.typtype NOT IN ('b', 'e', 'p')
  UNION ALL
  SELECT e.what, false FROM expression e WHERE e.tree LIKE '%{ROWCOMPARE%' OR e.tree LIKE '%{ARRAYCOERCE%'
  UNION ALL
  SELECT format('domain %s of column %I', r.typ::regtype, r.col), r.nested FROM reached r
  WHERE EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = r.typ AND k.contype = 'c')
  UNION ALL
  SELECT format('range type %s of column %I', r.typ::regtype, r.col), true FROM reached r
  JOIN pg_range g ON r.typ IN (g.rngtypid, g.rngmultitypid) WHERE g.rngcanonical >= 16384 OR g.rngsubdiff >= 16384
), found (code, nested) AS (
  SELECT coalesce(json_agg(DISTINCT what), '[]'), coalesce(bool_or(nested), false) FROM code
)
SELECT quote_ident(o.rolname) AS owner, o.oid::text AS owner_oid,
  o.rolname = current_user OR o.rolsuper OR pg_has_role(o.oid, (SELECT u.oid FROM pg_roles u WHERE u.rolname = current_user), 'MEMBER') AS own,
  m.member, m.member AND has_database_privilege(o.oid, current_database(), 'TEMPORARY') AS may, found.code::text AS code, found.nested
FROM root JOIN pg_roles o ON o.oid = root.relowner CROSS JOIN found
CROSS JOIN LATERAL (SELECT pg_has_role(o.oid,
  CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS member) m
