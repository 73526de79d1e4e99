// What others may write (settings, types, functions, rows of pgq.queue) must not run as somebody else.
import { randomBytes } from 'node:crypto';
import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { session, value } from '../../test/owned-database.ts';
import { type QueueFixture, queueFixture } from '../../test/queue-fixture.ts';
import { installProvider, runMaintenance } from '../mod.ts';

/** A role with a schema of its own, named as the role, where code of others leaves a note of whom it ran as. */
async function stranger(fixture: QueueFixture, roles = ''): Promise<{ name: string; client: PgClient }> {
  const name = `role_${randomBytes(5).toString('hex')}`;
  const superuser = await fixture.openSuperuser();
  await superuser.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'; CREATE SCHEMA ${name} AUTHORIZATION ${name}`);
  await superuser.query(`GRANT USAGE ON SCHEMA ${name} TO PUBLIC`);
  if (roles !== '') await superuser.query(`GRANT ${roles} TO ${name}`);
  const url = new URL(fixture.url);
  url.username = name;
  const client = await session(url.href);
  await client.query('SET client_min_messages = error');
  await client.query(`CREATE TABLE ${name}.seen (who name); GRANT ALL ON ${name}.seen TO PUBLIC`);
  await client.query(`CREATE FUNCTION ${name}.note(text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO ${name}.seen VALUES (current_user); RETURN true; END $$`);
  return { name, client };
}

const ran = (of: { name: string; client: PgClient }) =>
  value(of.client, `SELECT array_agg(DISTINCT who) FROM ${of.name}.seen`);

/** What versions up to 36dd312 made of a statement in a setting. */
const forge = (code: string) => `SELECT set_config('pgq.plan_' || t.tgrelid || '_' || md5(t.tgname || o.op),
    concat_ws(' ', 'AFTER', '[0:0]={jobs}'::text[], pgq.table_shape(t.tgrelid)) || E'\\n---' || '${code}', false)
  FROM pg_trigger t, (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) AS o(op) WHERE t.tgrelid = 'public.entry'::regclass`;

/** A table of the owner with a payload trigger, and a function of the owner that deletes from it. */
async function guarded(fixture: QueueFixture, trigger: string): Promise<void> {
  await fixture.client.query(`SELECT pgq.create_queue('jobs')`);
  await fixture.client.query(`CREATE TABLE public.entry (id int PRIMARY KEY, v text);
    CREATE TRIGGER j AFTER INSERT OR UPDATE OR DELETE ON public.entry FOR EACH ROW EXECUTE FUNCTION pgq.${trigger};
    INSERT INTO public.entry SELECT n, 'x' FROM generate_series(1, 5) AS n;
    CREATE FUNCTION public.remove(int) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM public.entry WHERE id = $1';
    GRANT USAGE ON SCHEMA public TO PUBLIC; GRANT EXECUTE ON FUNCTION public.remove(int) TO PUBLIC`);
}

const events = `SELECT string_agg(ev_type || ' ' || ev_data, E'\\n' ORDER BY ev_id DESC) FROM pgq.event_2`;

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a payload trigger executes nothing that stands in a setting', async () => {
    const fixture = await queueFixture(major);
    await guarded(fixture, `jsontriga('jobs')`);
    const attacker = await stranger(fixture, 'pgq_writer');
    await attacker.client.query(forge(`SELECT ${attacker.name}.note(NULL)`));
    await attacker.client.query('SELECT public.remove(1)');
    expect(await ran(attacker)).toBeNull();
    expect(await value(fixture.client, events)).toContain('{"id":1,"v":"x"}');
    // The statements themselves are the owner's alone.
    await expect(attacker.client.query('TABLE pgq.trigger_code')).rejects.toMatchObject({ code: '42501' });
    await attacker.client.query(
      `SELECT pgq.trigger_statement('json', 'public.entry'::regclass, 'j', 'DELETE', 'AFTER', '[0:1]={jobs,when=false}')`,
    );
    await fixture.client.query('ALTER TABLE public.entry ADD w int');
    await attacker.client.query('SELECT public.remove(2)');
    expect(await value(fixture.client, events)).toContain('{"id":2,"v":"x","w":null}');
    expect(await value(fixture.client, `SELECT count(*)::int FROM pgq.trigger_code WHERE operation = 'DELETE'`)).toBe(
      1,
    );
  });

  test('specialised triggers of an older version are written again by the installation', async () => {
    const fixture = await queueFixture(major);
    await guarded(fixture, `logutriga('jobs', 'ignore=ä')`);
    const name = await value(fixture.client, `SELECT pgq.specialise_trigger('public.entry', 'j')`);
    // Its last lines as they were: the statement of a table that has changed stood in a setting.
    await fixture.client.query(`CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM set_config('x.y', pgq.trigger_plan('url', TG_RELID, TG_OP, TG_WHEN, TG_ARGV), false); RETURN NULL; END $$`);
    await fixture.client.query('ALTER TABLE public.entry ADD w int');
    await installProvider(fixture.client);
    await installProvider(fixture.client);
    await fixture.client.query('DELETE FROM public.entry WHERE id = 1');
    expect(await value(fixture.client, events)).toContain('D:id id=1&v=x&w');
    expect(await value(fixture.client, `SELECT prosrc FROM pg_proc WHERE oid = '${name}'::regproc`)).not.toContain(
      `'x.y'`,
    );
    await fixture.client.query('ALTER TABLE public.entry DROP CONSTRAINT entry_pkey');
    await installProvider(fixture.client);
    await fixture.client.query('INSERT INTO public.entry VALUES (9)');
    expect(await value(fixture.client, events)).toContain('I: id=9&v&w');
    await fixture.client.query('DROP TABLE public.entry');
    await installProvider(fixture.client);
    expect(await value(fixture.client, `SELECT to_regproc('${name}')`)).toBeNull();
  });

  test('a specialised function is written without running the checks of domains', async () => {
    const fixture = await queueFixture(major);
    const producer = await stranger(fixture, 'pgq_writer');
    const { name, client } = producer;
    await client.query(`CREATE DOMAIN ${name}.d AS text CHECK (${name}.note(VALUE));
      CREATE TYPE ${name}.pair AS (a ${name}.d, b int);
      CREATE TABLE ${name}.t (id ${name}.d, p ${name}.pair, PRIMARY KEY (id, p));
      CREATE TRIGGER j AFTER INSERT OR UPDATE OR DELETE ON ${name}.t FOR EACH ROW EXECUTE FUNCTION pgq.jsontriga('main');
      TRUNCATE ${name}.seen; SELECT pgq.write_trigger('${name}.t', 'j')`);
    expect(await ran(producer)).toBeNull();
  });

  test('the catalogs know which types have an equality as the server does', async () => {
    const client = await (await queueFixture(major)).openSuperuser();
    await client.query(`CREATE DOMAIN public.dj AS json; CREATE DOMAIN public.di AS int; CREATE TYPE public.cj AS (a int, b json);
      CREATE TYPE public.e AS ENUM ('x'); CREATE TYPE public.ci AS (a public.di, b public.e[]); CREATE TYPE public.r AS RANGE (subtype = int)`);
    await client.query(`CREATE FUNCTION public.server_has(t oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE format('SELECT record_eq(ROW(NULL::%1$s), ROW(NULL::%1$s))', format_type(t, NULL)); RETURN true;
      EXCEPTION WHEN undefined_function THEN RETURN false; END $$`);
    const differ = `SELECT string_agg(t.oid::regtype::text, ' ') FROM pg_type t
      -- not the rows of catalogs: they have columns that no table can have
      WHERE CASE WHEN (t.typtype IN ('d', 'e', 'r', 'm') OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'c')
             OR t.typnamespace = 'public'::regnamespace AND t.typtype <> 'p')
        THEN public.server_has(t.oid) <> pgq.has_equality(t.oid) END`;
    expect(await value(client, differ)).toBeNull();
  });

  test('maintenance runs functions of trusted roles only, and others keep nothing from it', async () => {
    const fixture = await queueFixture(major);
    const { client } = fixture;
    const admin = await stranger(fixture, 'pgq_admin');
    const superuser = await fixture.openSuperuser();
    await superuser.query(
      `CREATE SCHEMA londiste AUTHORIZATION ${admin.name}; CREATE SCHEMA pgq_node AUTHORIZATION ${admin.name}`,
    );
    await admin.client.query(`CREATE FUNCTION londiste.periodic_maintenance() RETURNS int LANGUAGE sql AS 'SELECT ${admin.name}.note(NULL)::int';
      CREATE FUNCTION pgq_node.maint_watermark(text) RETURNS int LANGUAGE sql AS 'SELECT ${admin.name}.note(NULL)::int';
      CREATE VIEW pgq_node.node_info AS SELECT 'main' AS queue_name, 'root' AS node_type WHERE ${admin.name}.note(NULL);
      SELECT pgq.create_queue('SELECT ${admin.name}.note(NULL)::text')`);
    await client.query(`CREATE TABLE public.done (queue text); CREATE SCHEMA own;
      CREATE FUNCTION own.tidy(text) RETURNS int LANGUAGE sql AS 'INSERT INTO public.done VALUES ($1) RETURNING 0'`);
    const extra = [
      `${admin.name}.note`,
      'pg_catalog.ts_stat',
      'ts_stat',
      'pgq.seq_getval',
      'millrace.drop_set',
      'own.tidy',
    ];
    await admin.client.query(`UPDATE pgq.queue SET queue_extra_maint = $1 WHERE queue_name <> 'main'`, [extra]);
    const outcomes = await runMaintenance(client, { vacuum: false });
    expect(new Set(outcomes.map((o) => `${o.operation} ${o.result}`))).toEqual(new Set(['own.tidy done']));
    await admin.client.query('REVOKE ALL ON SCHEMA londiste, pgq_node FROM PUBLIC');
    expect(await runMaintenance(client, { vacuum: false })).toHaveLength(outcomes.length);
    expect(await ran(admin)).toBeNull();
    // An overload of a stranger, in a schema of a trusted role, might fit the call better.
    await superuser.query(
      `CREATE FUNCTION own.tidy(varchar) RETURNS int LANGUAGE sql AS 'SELECT 0'; ALTER FUNCTION own.tidy(varchar) OWNER TO ${admin.name}`,
    );
    expect(await runMaintenance(client, { vacuum: false })).toEqual([]);
  });
});
