import { fileURLToPath } from 'node:url';
import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { ownedDatabase, value } from '../test/owned-database.ts';
import { scenarios, values } from '../test/payload-scenarios.ts';
import { installProvider } from './mod.ts';

// The expected files were compared line by line with what the C triggers of pgq 3.5 give for the same statements; where they
// differ on purpose, docs/pgq-compatibility.md says why.
const expected = (name: string) => fileURLToPath(new URL(`../test/${name}.expected.txt`, import.meta.url));
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

/** One statement and what the three triggers made of it, or its error. */
async function lines(client: PgClient, sql: string): Promise<string[]> {
  const result = await client.query(sql).then(
    () => seen(client),
    (error: Error) => [error.message],
  );
  return [`> ${sql}`, ...result.map((line) => `  ${line}`)];
}

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('payload triggers write what PgQ writes, for every option', async () => {
    const client = await (await ownedDatabase(major)).open();
    await spied(client);
    const out: string[] = [];
    for (const scenario of scenarios) {
      out.push(`== ${scenario.title}`);
      for (const sql of scenario.before) await client.query(sql);
      await makeTriggers(client, scenario.table, scenario.args, scenario.truncate);
      for (const sql of scenario.changes) out.push(...(await lines(client, sql)));
    }
    await expect(`${out.join('\n')}\n`).toMatchFileSnapshot(expected('payload-options'));
  });

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
      await client.query('SET LOCAL DateStyle = ISO');
      await client.query(`WITH v AS (SELECT $1::${type} AS v) INSERT INTO typed SELECT 1, v, ARRAY[v, v] FROM v`, [
        text,
      ]);
      await client.query(`SET LOCAL DateStyle = 'SQL, DMY'`);
      await client.query('UPDATE typed SET val = NULL');
      await client.query('DELETE FROM typed');
      expect(await value(client, 'SHOW "DateStyle"')).toBe('SQL, DMY');
      expect(await value(client, 'SHOW "TimeZone"')).toBe('Asia/Kathmandu');
      out.push(...(await seen(client)));
      await client.query('ROLLBACK');
    }
    await expect(`${out.join('\n')}\n`).toMatchFileSnapshot(expected('payload-types'));
  });
});
