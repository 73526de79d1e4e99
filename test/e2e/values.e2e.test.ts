import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { hostileSettings, hostileValues } from '../harness/workload/hostile-values.ts';

/** Types beyond those of the workload's table, with values that transports like to spoil. */
const furtherTypes: Readonly<Record<string, readonly string[]>> = {
  box: ['(1,1),(0,0)'],
  lseg: ['[(0,0),(1e-300,1)]'],
  path: ['((0,0),(1,1))', '[(0,0)]'],
  polygon: ['((0,0),(1,1),(1,0))'],
  line: ['{1,-1,0}'],
  circle: ['<(0,0),Infinity>'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  pg_lsn: ['FFFFFFFF/FFFFFFFF'],
  int8range: ['empty', '[1,)'],
  numrange: ['(,1.10]'],
  daterange: ['[infinity,)', '(,2024-01-01)'],
  int4multirange: ['{}', '{[1,3),[5,7)}'],
  tsquery: ["'a' & !'b c'", ''],
  oid: ['4294967295'],
  '"char"': ['a', ''],
  name: ['n "q"'],
  'bit(3)': ['101'],
  'varchar(7)': ['a\nb', ''],
  jsonpath: ['$."a b"[*] ? (@ > 1)'],
  pg_snapshot: ['10:20:10,14'],
  'time(0)': ['24:00:00'],
  'numeric(10,-2)': ['12300'],
  'interval day to second': ['1 day 00:00:01'],
  'json[]': ['{"{\\"a\\":1}","null"}'],
  'timestamptz[]': ['{infinity,"2024-03-31 01:30:00+01"}'],
  'bytea[]': ['{"\\\\x00","\\\\x"}'],
  regclass: ['pg_class'],
  money: ['-0.01'],
  'point[]': ['{"(0,-0)"}'],
};

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'values', servers: { provider: { major: 15 }, eu: { major: 18 } } });
});

afterAll(() => ground.stop());

/** A row for every value of every column, written by a session with these settings. */
async function writeAll(provider: Database, settings: Readonly<Record<string, string>>, from: number): Promise<void> {
  await provider.within(async (client) => {
    let id = from;
    for (const [column, values] of Object.entries(hostileValues)) {
      for (const value of [...values, null]) {
        id += 1;
        await client.query(`INSERT INTO public.kinds (id, ${column}) VALUES ($1, $2)`, [id, value]);
        await client.query(`UPDATE public.kinds SET ${column} = $2 WHERE id = $1`, [id, value]);
      }
    }
  }, settings);
}

describe('values of every type', () => {
  beforeAll(async () => {
    site = await ground.site({ name: 'values', provider: 'provider', subscribers: { eu: 'eu' } });
    const schema = readFileSync(new URL('../harness/workload/schema.sql', import.meta.url), 'utf8');
    await site.everywhere(schema);
    await writeAll(site.provider, {}, 100_000);
    await site.begin({ tables: ['kinds'] });
  });

  test('are the same after the first copy', async () => {
    expect(await site.differences(['kinds'])).toEqual([]);
  });

  test('are the same when written by an ordinary session', async () => {
    await writeAll(site.provider, {}, 0);
    await expectEqual(site, ['kinds']);
  });

  test('are the same when written by a session with hostile settings', async () => {
    await writeAll(site.provider, hostileSettings, 10_000);
    await expectEqual(site, ['kinds']);
  });

  test('are the same for the rarer types, a table each, copied and followed', async () => {
    const named = Object.entries(furtherTypes).map(([type, values], at) => ({ table: `type_${at}`, type, values }));
    const fill = named.flatMap(({ table, values }) =>
      [...values.map((value) => `'${value.replaceAll("'", "''")}'`), 'NULL'].map(
        (value) => `INSERT INTO ${table} (v, f) VALUES (${value}, ARRAY[${value}]::text[])`,
      ),
    );
    await stage(site, {
      schema: named
        .map(({ table, type }) => `CREATE TABLE ${table} (id serial PRIMARY KEY, v ${type}, f text[])`)
        .join(';'),
      before: fill.join(';'),
      tables: named.map(({ table }) => table),
    });
    await site.provider.run(fill.join(';'));
    await site.provider.run(named.map(({ table }) => `UPDATE ${table} SET f = NULL`).join(';'));
    await expectEqual(
      site,
      named.map(({ table }) => table),
    );
  });

  test('hold every character and every byte', async () => {
    await stage(site, { schema: 'CREATE TABLE every (id int PRIMARY KEY, t text, b bytea)', tables: ['every'] });
    await site.provider.run(
      `INSERT INTO every SELECT 1, string_agg(chr(i), '' ORDER BY i), (SELECT decode(string_agg(lpad(to_hex(b), 2, '0'), ''), 'hex')
         FROM generate_series(0, 255) b)
       FROM generate_series(1, 1114111) i WHERE i NOT BETWEEN 55296 AND 57343;
       UPDATE every SET b = b || b`,
    );
    await expectEqual(site, ['every']);
  });

  test('of toasted columns that a statement left alone stay as they are', async () => {
    await stage(site, {
      schema: `CREATE TABLE toa (id int PRIMARY KEY, small int, big text, j jsonb, arr text[]);
        ALTER TABLE toa ALTER big SET STORAGE EXTERNAL`,
      tables: ['toa'],
    });
    await site.provider.run(
      `INSERT INTO toa SELECT i, 1, repeat('x' || i, 300000), '{"a":1}', ARRAY[repeat('y', 9000)] FROM generate_series(1, 5) i`,
    );
    await site.provider.run('UPDATE toa SET small = small + 1; UPDATE toa SET id = id + 100');
    await expectEqual(site, ['toa']);
    await site.provider.run("UPDATE toa SET big = NULL WHERE id = 101; UPDATE toa SET big = '' WHERE id = 102");
    await expectEqual(site, ['toa']);
  });
});

describe('databases and roles with settings of their own', () => {
  const settings: Readonly<Record<string, string>> = {
    DateStyle: 'SQL, DMY',
    IntervalStyle: 'sql_standard',
    extra_float_digits: '-15',
    bytea_output: 'escape',
    TimeZone: 'Asia/Kolkata',
    search_path: 'nowhere',
    xmloption: 'document',
    standard_conforming_strings: 'off',
    array_nulls: 'off',
    row_security: 'off',
    work_mem: '64kB',
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    lock_timeout: '2s',
    statement_timeout: '20s',
    synchronous_commit: 'off',
    idle_in_transaction_session_timeout: '5s',
    check_function_bodies: 'off',
    transform_null_equals: 'on',
    plan_cache_mode: 'force_generic_plan',
    client_min_messages: 'error',
    quote_all_identifiers: 'on',
  };
  let hostile: Site;

  beforeAll(async () => {
    hostile = await ground.site({ name: 'hostile', provider: 'provider', subscribers: { eu: 'eu' } });
    const schema = readFileSync(new URL('../harness/workload/schema.sql', import.meta.url), 'utf8');
    await hostile.everywhere(schema);
    for (const database of [hostile.provider, ...hostile.subscribers.values()]) {
      const name = await database.value('SELECT quote_ident(current_database())');
      for (const [setting, value] of Object.entries(settings))
        await database.run(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
      await database.close();
    }
    await writeAll(hostile.provider, { search_path: 'public', array_nulls: 'on' }, 100_000);
    await hostile.begin({ tables: ['public.kinds'] });
  });

  test('change nothing in what is copied and followed', async () => {
    await writeAll(hostile.provider, { array_nulls: 'on' }, 0);
    await hostile.provider.run(
      'UPDATE public.kinds SET id = id + 1000000 WHERE id % 3 = 0; DELETE FROM public.kinds WHERE id % 5 = 1',
    );
    await expectEqual(hostile, ['kinds']);
  });
});
