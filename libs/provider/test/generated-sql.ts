import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PgClient } from '@millrace/postgres';
import { expect } from 'vitest';

/** A table whose generated capture functions are kept as text. */
export interface CaptureSample {
  /** Name of the expected file, `capture-<name>.txt`. */
  readonly name: string;
  /** Statements that make the table. */
  readonly schema: string;
  /** The registered table, quoted for SQL. */
  readonly table: string;
  /** Oldest PostgreSQL that accepts the statements; default: any. */
  readonly since?: number;
}

/** One sample for each shape that the generators treat differently. */
export const captureSamples: readonly CaptureSample[] = [
  { name: 'plain', table: 'plain', schema: 'CREATE TABLE plain (id int PRIMARY KEY, item text, price numeric(10,2))' },
  {
    name: 'composite-key',
    table: 'composite',
    schema: 'CREATE TABLE composite (note text, a int, b varchar(20), c date, PRIMARY KEY (b, a))',
  },
  {
    name: 'unique-index',
    table: 'uniquely',
    schema: `CREATE TABLE uniquely (note text, code text NOT NULL, nr bigint NOT NULL);
      CREATE UNIQUE INDEX ON uniquely (nr, code) INCLUDE (note)`,
  },
  {
    name: 'partitioned',
    table: 'parted',
    schema: `CREATE TABLE parted (id int, kind text, v text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
      CREATE TABLE parted_a (v text, kind text NOT NULL, id int NOT NULL);
      ALTER TABLE parted ATTACH PARTITION parted_a FOR VALUES IN ('a');
      CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b') PARTITION BY RANGE (id);
      CREATE TABLE parted_b_1 PARTITION OF parted_b FOR VALUES FROM (0) TO (1000)`,
  },
  {
    name: 'generated-column',
    table: 'computed',
    schema:
      'CREATE TABLE computed (twice int GENERATED ALWAYS AS (id * 2) STORED, id int, PRIMARY KEY (id), item text)',
  },
  {
    name: 'virtual-column',
    table: 'computed_late',
    schema: 'CREATE TABLE computed_late (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2), item text)',
    since: 18,
  },
  {
    name: 'odd-names',
    table: `"Sch ema"."T.ä""b'l"`,
    schema: `CREATE SCHEMA "Sch ema";
      CREATE TABLE "Sch ema"."T.ä""b'l" ("a""b" text, "I d'" int, "Größe \\ 日本" text, "select" text, "%s $1" text,
        PRIMARY KEY ("I d'", "a""b"))`,
  },
  {
    name: 'names-like-templates',
    table: '"{{columns}}"',
    schema: `CREATE TABLE "{{columns}}" ("{{key_columns}}" int PRIMARY KEY, "
    --if quick
" text, "
    --end
" text, "$source$" text)`,
  },
  { name: 'key-only', table: 'key_only', schema: 'CREATE TABLE key_only (id uuid PRIMARY KEY)' },
  {
    name: 'identity',
    table: 'numbered',
    schema: 'CREATE TABLE numbered (item text, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)',
  },
  {
    name: 'settings-pinned',
    table: 'typed',
    schema: `CREATE TABLE typed (id int, at timestamptz, amount float8, body bytea, span interval, moment timestamptz[],
      PRIMARY KEY (id, at))`,
  },
  {
    name: 'all-settings-pinned',
    table: 'typed_any',
    schema: 'CREATE TABLE typed_any (id int PRIMARY KEY, price money)',
  },
  {
    name: 'too-wide',
    table: 'too_wide',
    schema: `CREATE TABLE too_wide (id int PRIMARY KEY, ${Array.from({ length: 1599 }, (_, n) => `c${n} bool`).join(', ')})`,
  },
];

/** A payload trigger that gets a function of its own. */
export interface PayloadSample {
  /** Name of the expected file, `payload-<name>.txt`. */
  readonly name: string;
  readonly schema: string;
  /** The table, quoted for SQL. */
  readonly table: string;
  readonly kind: 'jsontriga' | 'logutriga' | 'sqltriga';
  readonly timing: 'AFTER' | 'BEFORE';
  /** What follows the queue's name in the arguments, as SQL. */
  readonly args: string;
}

const plainPayload = 'CREATE TABLE entry (id int PRIMARY KEY, item text, at timestamptz, ok boolean)';

/** Each kind of payload trigger, and each option that a specialised function may have. */
export const payloadSamples: readonly PayloadSample[] = [
  { name: 'json', schema: plainPayload, table: 'entry', kind: 'jsontriga', timing: 'AFTER', args: '' },
  { name: 'url', schema: plainPayload, table: 'entry', kind: 'logutriga', timing: 'AFTER', args: '' },
  { name: 'sql', schema: plainPayload, table: 'entry', kind: 'sqltriga', timing: 'AFTER', args: '' },
  {
    name: 'options',
    schema: 'CREATE TABLE chosen (a int, b text, c text, d text)',
    table: 'chosen',
    kind: 'jsontriga',
    timing: 'AFTER',
    args: `, 'pkey=a,b', 'ignore=c', 'backup'`,
  },
  {
    name: 'skip',
    schema: 'CREATE TABLE skipped (id int PRIMARY KEY, item text)',
    table: 'skipped',
    kind: 'logutriga',
    timing: 'BEFORE',
    args: `, 'SKIP'`,
  },
  {
    name: 'odd-names',
    schema: `CREATE SCHEMA "Sch ema";
      CREATE TABLE "Sch ema"."T.b""l'{{kind}}" ("I d" int PRIMARY KEY, "a""b" text, "c'd ä" text, "--end" text, _pgq_ev_extra3 text)`,
    table: `"Sch ema"."T.b""l'{{kind}}"`,
    kind: 'sqltriga',
    timing: 'AFTER',
    args: '',
  },
];

/** Every function that was generated for a registered table, with its settings, comment and trigger, without object ids. */
export async function captureText(client: PgClient, table: string): Promise<string> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT concat(pg_get_functiondef(p.oid), ';', E'\\n-- comment: ', obj_description(p.oid, 'pg_proc'),
         E'\\n-- owner only: ', NOT EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee <> p.proowner) AND p.proacl IS NOT NULL,
         E'\\n', pg_get_triggerdef(t.oid), '; -- enabled: ', t.tgenabled, E'\\n') AS text
     FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid
     WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname ~ format('^capture_[0-9]+_%s_', $1::regclass::oid)
     ORDER BY t.tgrelid::regclass::text COLLATE "C", array_position('{i,u,d,t,b}', right(p.proname, 1))`,
    [table],
  );
  return withoutObjectIds(client, rows.map((row) => row.text).join('\n'));
}

/** The whole text of functions, by signature, without object ids. */
export async function functionText(client: PgClient, functions: readonly string[]): Promise<string> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT pg_get_functiondef(p.oid) || E';\\n' AS text
     FROM unnest($1::text[]) WITH ORDINALITY AS f(signature, n) JOIN pg_proc p ON p.oid = f.signature::regprocedure ORDER BY f.n`,
    [functions],
  );
  return withoutObjectIds(client, rows.map((row) => row.text).join('\n'));
}

/** Object ids of tables and indexes differ from database to database: `<name>` stands for them. */
async function withoutObjectIds(client: PgClient, text: string): Promise<string> {
  const { rows } = await client.query<{ oid: string; name: string }>(
    `SELECT oid::text, relname AS name FROM pg_class WHERE oid >= 16384`,
  );
  const names = new Map(rows.map((row) => [row.oid, `<${row.name}>`]));
  return text.replaceAll(/(?<![0-9])[1-9][0-9]{4,}(?![0-9])/g, (number) => names.get(number) ?? number);
}

/**
 * Compares a text with libs/provider/test/expected/<name>.txt. With MILLRACE_RENEW=1 in the environment it writes the
 * file first: the difference in version control then shows what a change of a generator does to what it writes.
 */
export async function expectText(name: string, text: string): Promise<void> {
  const file = fileURLToPath(new URL(`expected/${name}.txt`, import.meta.url));
  if (process.env['MILLRACE_RENEW'] === '1') await writeFile(file, text);
  await expect.soft(text).toMatchFileSnapshot(file);
}
