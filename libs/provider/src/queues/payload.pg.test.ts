import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { ownedDatabase, session, value } from '../../test/owned-database.ts';
import { scenarios, values } from '../../test/payload-scenarios.ts';
import { installProvider } from '../mod.ts';

// The expected files were compared line by line with what the C triggers of pgq 3.5 give for the same statements; where they
// differ on purpose, docs/pgq-compatibility.md says why.
const expected = (name: string) => fileURLToPath(new URL(`../../test/${name}.expected.txt`, import.meta.url));
const kinds = { jsontriga: 'json', logutriga: 'log', sqltriga: 'sql' };

/** A provider whose insert_event only notes what it is given. */
async function spied(client: PgClient): Promise<void> {
  await installProvider(client);
  await client.query('CREATE TABLE public.seen (n serial, line text)');
  await client.query(`CREATE OR REPLACE FUNCTION pgq.insert_event(queue_name text, ev_type text, ev_data text, ev_extra1 text,
      ev_extra2 text, ev_extra3 text, ev_extra4 text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO public.seen (line) VALUES (concat(queue_name, ' ', coalesce(ev_type, '(null)'), '  ', coalesce(ev_data, '(null)'), '  ',
      coalesce(ev_extra1, '-'), ' ', coalesce(ev_extra2, '-'), ' ', coalesce(ev_extra3, '-'), ' ', coalesce(ev_extra4, '-'))) RETURNING n $$`);
}

async function seen(client: PgClient): Promise<string[]> {
  const rows = (await client.query<{ line: string }>('SELECT line FROM public.seen ORDER BY n')).rows;
  await client.query('TRUNCATE public.seen');
  return rows.map((row) => row.line);
}

async function makeTriggers(client: PgClient, table: string, args: string, truncate = false): Promise<void> {
  for (const [name, queue] of Object.entries(kinds)) {
    await client.query(`CREATE TRIGGER ${queue} AFTER INSERT OR UPDATE OR DELETE ON ${table}
      FOR EACH ROW EXECUTE FUNCTION pgq.${name}('${queue}'${args})`);
    if (!truncate) continue;
    await client.query(`CREATE TRIGGER ${queue}_truncate AFTER TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION pgq.${name}('${queue}'${args})`);
  }
}

/** Gives the triggers of a table functions of its own; those that cannot have any stay as they are. */
async function specialise(client: PgClient, table: string): Promise<number> {
  let done = 0;
  for (const queue of Object.values(kinds)) {
    await client.query('BEGIN');
    const made = await client
      .query('SELECT pgq.specialise_trigger($1, $2)', [table, queue])
      .catch((error: Error) => error);
    await client.query(made instanceof Error ? 'ROLLBACK' : 'COMMIT');
    if (made instanceof Error)
      expect(made.message).toMatch(/has expressions|has no key|bad param|SKIP does not|is partitioned/);
    else done += 1;
  }
  return done;
}

/** One statement and what the three triggers made of it, or its error. */
async function lines(client: PgClient, sql: string): Promise<string[]> {
  const result = await client.query(sql).then(
    () => seen(client),
    (error: Error) => [error.message],
  );
  return [`> ${sql}`, ...result.map((line) => `  ${line}`)];
}

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test.each(['general', 'specialised'])(
    'payload triggers write what PgQ writes, for every option: %s functions',
    async (sort) => {
      const client = await (await ownedDatabase(major)).open();
      await spied(client);
      let specialised = 0;
      const out: string[] = [];
      for (const scenario of scenarios) {
        out.push(`== ${scenario.title}`);
        for (const sql of scenario.before) await client.query(sql);
        await makeTriggers(client, scenario.table, scenario.args, scenario.truncate);
        if (sort === 'specialised') specialised += await specialise(client, scenario.table);
        for (const sql of scenario.changes) out.push(...(await lines(client, sql)));
      }
      await expect(`${out.join('\n')}\n`).toMatchFileSnapshot(expected('payload-options'));
      expect(specialised).toBe(sort === 'general' ? 0 : 27);
    },
  );

  test('payload triggers write every type as PgQ does, whatever the settings of the session', async () => {
    const client = await (await ownedDatabase(major)).open();
    await spied(client);
    await client.query(`CREATE TYPE mood AS ENUM ('sad', 'o k'); CREATE TYPE pair AS (a int, b text);
      CREATE DOMAIN int_domain AS int; CREATE DOMAIN bool_domain AS boolean`);
    const out: string[] = [];
    for (const [type, text] of values) {
      out.push(`== ${type} ${JSON.stringify(text)}`);
      await client.query('BEGIN');
      await client.query(`CREATE TABLE typed (nr int PRIMARY KEY, val ${type}, arr ${type}[])`);
      await makeTriggers(client, 'typed', '');
      const write = async () => {
        await client.query('SET LOCAL DateStyle = ISO');
        await client.query(`WITH v AS (SELECT $1::${type} AS v) INSERT INTO typed SELECT 1, v, ARRAY[v, v] FROM v`, [
          text,
        ]);
        await client.query(`SET LOCAL DateStyle = 'SQL, DMY'`);
        await client.query('UPDATE typed SET val = NULL');
        await client.query('DELETE FROM typed');
        expect(await value(client, 'SHOW "DateStyle"')).toBe('SQL, DMY');
        expect(await value(client, 'SHOW "TimeZone"')).toBe('Asia/Kathmandu');
        return seen(client);
      };
      const general = await write();
      for (const queue of Object.values(kinds))
        await client.query('SELECT pgq.specialise_trigger($1, $2)', ['typed', queue]);
      expect(await write()).toEqual(general);
      out.push(...general);
      await client.query('ROLLBACK');
    }
    await expect(`${out.join('\n')}\n`).toMatchFileSnapshot(expected('payload-types'));
  });

  test('an application needs the right to put events, and nothing more; the owner of a table makes its triggers', async () => {
    const database = await ownedDatabase(major);
    const owner = await database.open();
    await installProvider(owner);
    await owner.query(`SELECT pgq.create_queue('q')`);
    const superuser = await database.openSuperuser();
    const names = { maker: '', writer: '', stranger: '' };
    for (const role of Object.keys(names) as (keyof typeof names)[]) {
      names[role] = `${role}_${randomBytes(5).toString('hex')}`;
      await superuser.query(`CREATE ROLE ${names[role]} LOGIN PASSWORD 'secret'`);
      if (role !== 'stranger') await superuser.query(`GRANT pgq_writer TO ${names[role]}`);
    }
    await superuser.query(`GRANT CREATE ON SCHEMA public TO ${names.maker}`);
    const as = (role: string) => session(Object.assign(new URL(database.url), { username: role }).href);
    const maker = await as(names.maker);
    await maker.query('CREATE TABLE public.entry (id int PRIMARY KEY, item text)');
    await maker.query('GRANT INSERT ON public.entry TO PUBLIC');
    await makeTriggers(maker, 'public.entry', `, 'ignore=none'`);
    for (const queue of Object.values(kinds)) await maker.query(`ALTER TABLE public.entry DISABLE TRIGGER ${queue}`);
    await maker.query(
      `CREATE TRIGGER put AFTER INSERT ON public.entry FOR EACH ROW EXECUTE FUNCTION pgq.logutriga('q')`,
    );
    const writer = await as(names.writer);
    const stranger = await as(names.stranger);
    const write = (client: PgClient, id: number) => client.query('INSERT INTO public.entry VALUES ($1)', [id]);
    await write(writer, 1);
    await expect(write(stranger, 2)).rejects.toMatchObject({ code: '42501' });
    await expect(stranger.query(`SELECT pgq.specialise_trigger('public.entry', 'put')`)).rejects.toMatchObject({
      code: '42501',
    });
    await expect(writer.query(`SELECT pgq.specialise_trigger('public.entry', 'put')`)).rejects.toMatchObject({
      code: '42501',
    });
    await maker.query(
      `SELECT pgq.specialise_trigger('public.entry', 'put'), pgq.specialise_trigger('public.entry', 'log')`,
    );
    await write(writer, 3);
    await expect(write(stranger, 4)).rejects.toMatchObject({ code: '42501' });
    expect(await value(owner, `SELECT string_agg(ev_data, ' ' ORDER BY ev_id) FROM pgq.event_1`)).toBe(
      'id=1&item id=3&item',
    );
    // The one that was switched off still is.
    expect(await value(owner, `SELECT tgenabled FROM pg_trigger WHERE tgname = 'log'`)).toBe('D');
  });

  test('a trigger before the change can keep the change out of the table, or let it pass', async () => {
    const client = await (await ownedDatabase(major)).open();
    await spied(client);
    for (const [table, args] of [
      ['passing', ''],
      ['skipping', `, 'SKIP'`],
    ] as const) {
      await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, v text)`);
      await client.query(`CREATE TRIGGER b BEFORE INSERT OR UPDATE OR DELETE ON ${table}
        FOR EACH ROW EXECUTE FUNCTION pgq.logutriga('b'${args})`);
      for (const sort of ['general', 'specialised']) {
        if (sort === 'specialised') await client.query(`SELECT pgq.specialise_trigger('${table}', 'b')`);
        await client.query(`INSERT INTO ${table} VALUES (1, 'x')`);
        await client.query(`UPDATE ${table} SET v = 'y'`);
        expect(await value(client, `SELECT count(*) FROM ${table}`)).toBe(args === '' ? '1' : '0');
        await client.query(`DELETE FROM ${table}`);
        expect(await seen(client)).toHaveLength(args === '' ? 3 : 1);
      }
    }
  });

  test('the session role "local" writes no events', async () => {
    const database = await ownedDatabase(major);
    await spied(await database.open());
    const client = await database.openSuperuser();
    await client.query('CREATE TABLE public.entry (id int PRIMARY KEY)');
    await makeTriggers(client, 'public.entry', '');
    await client.query('SET session_replication_role = local');
    await client.query('INSERT INTO public.entry VALUES (1)');
    expect(await seen(client)).toEqual([]);
    await client.query('SET session_replication_role = origin');
    await client.query('DELETE FROM public.entry');
    expect(await seen(client)).toHaveLength(3);
  });
});
