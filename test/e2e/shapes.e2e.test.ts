import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { copyIn } from '@millrace/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual, play, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'shapes', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'shapes', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
});

afterAll(() => ground.stop());

describe('names', () => {
  const odd = `"T "";'drop -- \\ é 表 {}%s$1"`;
  const names = [
    odd,
    '"a"."b.c"',
    '"a.b"."c"',
    '"T"',
    't',
    '" lead"',
    '"a*b>"',
    `"${'é'.repeat(31)}"`,
    '"new\nline"',
    'tick',
  ];

  test('with quotes, dots, blanks, wildcards, controls and 63 bytes stay apart and arrive', async () => {
    const columns = `("select" int PRIMARY KEY, "a b""c'd\\e" text, "__proto__" text, "constructor" text, "0" int,
      "1" int, "Ünï" text, "$1" text, "%s" text, "😀" text, "(U" text)`;
    await stage(site, {
      schema: `CREATE SCHEMA "a"; CREATE SCHEMA "a.b"; ${names.map((name) => `CREATE TABLE ${name} ${columns}`).join(';')}`,
      before: names
        .map((name, at) => `INSERT INTO ${name} SELECT i, 'n${at}' FROM generate_series(1, ${at + 1}) i`)
        .join(';'),
      tables: names,
    });
    await expectEqual(site, names);
    await play(
      site,
      names,
      names.map((name) => `UPDATE ${name} SET "__proto__" = '{}', "0" = 5, "a b""c'd\\e" = '\\'`),
    );
    await play(
      site,
      names,
      names.map((name, at) => `DELETE FROM ${name} WHERE "select" > ${at}`),
    );
  });
});

describe('keys', () => {
  const keyTables = [
    'k_numeric',
    'k_char',
    'k_text',
    'k_array',
    'k_range',
    'k_bytea',
    'k_time',
    'k_pair',
    'k_enum',
    'k_uuid',
    'k_float',
    'k_many',
    'k_unique',
  ];

  test('of many types find their rows: numeric, char, arrays, ranges, bytea, infinity, composite', async () => {
    await stage(site, {
      schema: `CREATE TYPE pair AS (a int, b text); CREATE TYPE color AS ENUM ('red', 'quote''d');
        CREATE TABLE k_numeric (k numeric PRIMARY KEY, v int); CREATE TABLE k_char (k char(4) PRIMARY KEY, v int);
        CREATE TABLE k_text (k text PRIMARY KEY, v int); CREATE TABLE k_array (k text[] PRIMARY KEY, v int);
        CREATE TABLE k_range (k int4range PRIMARY KEY, v int); CREATE TABLE k_bytea (k bytea PRIMARY KEY, v int);
        CREATE TABLE k_time (k timestamptz PRIMARY KEY, v int); CREATE TABLE k_pair (k pair PRIMARY KEY, v int);
        CREATE TABLE k_enum (k color PRIMARY KEY, v int); CREATE TABLE k_uuid (k uuid PRIMARY KEY, v int);
        CREATE TABLE k_float (k float8 PRIMARY KEY, v int);
        CREATE TABLE k_many (v int, c text, b date, a int, PRIMARY KEY (a, b, c));
        CREATE TABLE k_unique (a int NOT NULL, b text NOT NULL, v int, UNIQUE (b, a))`,
      before: 'ALTER TABLE k_unique REPLICA IDENTITY USING INDEX k_unique_b_a_key',
      tables: keyTables,
    });
    await play(site, keyTables, [
      "INSERT INTO k_numeric VALUES (1.0, 1), ('NaN', 2), (1e30, 3); UPDATE k_numeric SET v = v + 1 WHERE k = 1.00",
      "INSERT INTO k_char VALUES ('a', 1), ('', 2); UPDATE k_char SET v = 5; UPDATE k_char SET k = 'b' WHERE k = 'a'",
      `INSERT INTO k_text VALUES ('', 1), (' ', 2), (E'a\\nb', 3), ('__proto__', 4), ('"', 5), (E'\\\\.', 6);
       UPDATE k_text SET v = v * 2; UPDATE k_text SET k = k || '"\\' WHERE v > 4`,
      "INSERT INTO k_array VALUES ('{}', 1), ('[0:1]={x,y}', 2), ('{NULL,\"NULL\"}', 3); UPDATE k_array SET v = v + 1",
      "INSERT INTO k_range VALUES ('empty', 1), ('(,)', 2), ('[1,5)', 3); UPDATE k_range SET v = v + 1",
      "INSERT INTO k_bytea VALUES ('\\x', 1), ('\\x00ff', 2); UPDATE k_bytea SET v = v + 1",
      "INSERT INTO k_time VALUES ('infinity', 1), ('-infinity', 2), ('2024-01-01 BC', 3); UPDATE k_time SET v = v + 1",
      "INSERT INTO k_pair VALUES ('(1,\"a,b\")', 1), ('(2,)', 2); UPDATE k_pair SET v = v + 1",
      "INSERT INTO k_enum VALUES ('quote''d', 1); UPDATE k_enum SET v = v + 1",
      'INSERT INTO k_uuid SELECT gen_random_uuid(), i FROM generate_series(1, 9) i; UPDATE k_uuid SET v = v + 1',
      "INSERT INTO k_float VALUES ('NaN', 1), (0.30000000000000004, 2), ('-Infinity', 3); UPDATE k_float SET v = v + 1",
      "INSERT INTO k_many VALUES (1, 'c', '2024-01-01', 1), (2, '', 'infinity', 1); UPDATE k_many SET b = '2020-02-29' WHERE v = 1",
      "INSERT INTO k_unique VALUES (1, 'x', 1), (2, 'x', 2); UPDATE k_unique SET a = a + 10; DELETE FROM k_unique WHERE v = 2",
    ]);
  });

  test('swapped, shifted, changed and come back in one transaction', async () => {
    await stage(site, {
      schema: 'CREATE TABLE swap (id int PRIMARY KEY, code text UNIQUE, n int)',
      before: "INSERT INTO swap SELECT i, 'code ' || i, 0 FROM generate_series(1, 30) i",
      tables: ['swap'],
    });
    await play(
      site,
      ['swap'],
      [
        'BEGIN; UPDATE swap SET id = -1 WHERE id = 1; UPDATE swap SET id = 1 WHERE id = 2; UPDATE swap SET id = 2 WHERE id = -1; COMMIT',
        'BEGIN; UPDATE swap SET id = id + 1000; UPDATE swap SET id = id - 999; COMMIT',
        'BEGIN; DELETE FROM swap WHERE id = 5; INSERT INTO swap VALUES (5, NULL, 1); DELETE FROM swap WHERE id = 5; COMMIT',
        "BEGIN; DELETE FROM swap WHERE id = 6; INSERT INTO swap VALUES (6, 'again', 1); COMMIT",
        "BEGIN; INSERT INTO swap VALUES (500, 'short life', 1); UPDATE swap SET id = 501 WHERE id = 500; DELETE FROM swap WHERE id = 501; COMMIT",
      ],
    );
  });

  test('hand a unique value from row to row within one transaction', async () => {
    await play(
      site,
      ['swap'],
      [
        `BEGIN; DELETE FROM swap WHERE id = 10; INSERT INTO swap VALUES (600, 'code 9', 0);
       UPDATE swap SET code = 'moved on' WHERE id = 600; INSERT INTO swap VALUES (601, 'code 9', 0); COMMIT`,
        `BEGIN; UPDATE swap SET code = 'parked' WHERE id = 11; UPDATE swap SET code = 'code 10' WHERE id = 12;
       UPDATE swap SET code = 'code 11' WHERE id = 11; COMMIT`,
        `BEGIN; UPDATE swap SET code = NULL WHERE id BETWEEN 13 AND 20;
       UPDATE swap SET code = 'code ' || (32 - id) WHERE id BETWEEN 13 AND 20; COMMIT`,
      ],
    );
  });

  test('that are deferrable are refused by name, since a shift by one statement could not be followed', async () => {
    await site.everywhere('CREATE TABLE shift (id int PRIMARY KEY DEFERRABLE, n int)');
    const refused = await site.command(['add', 'shift']);
    if (refused.code === 0) {
      // Or it is followed, and then rightly.
      await site.provider.run('INSERT INTO shift SELECT i, i FROM generate_series(1, 9) i');
      await play(site, ['shift'], ['UPDATE shift SET id = id + 1']);
    } else expect(refused.stderr).toContain('shift');
  });
});

describe('statements', () => {
  test('ON CONFLICT, MERGE, writable CTEs, UPDATE FROM and COPY arrive as what they did', async () => {
    await stage(site, {
      schema:
        'CREATE TABLE dml (id int PRIMARY KEY, v text, n int DEFAULT 0); CREATE TABLE dml2 (id int PRIMARY KEY, v text)',
      before: "INSERT INTO dml SELECT i, 'v' || i FROM generate_series(1, 100) i",
      tables: ['dml', 'dml2'],
    });
    await play(
      site,
      ['dml', 'dml2'],
      [
        "INSERT INTO dml SELECT i, 'c' FROM generate_series(50, 150) i ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = dml.n + 1",
        "INSERT INTO dml VALUES (1, 'nothing'), (151, 'something') ON CONFLICT DO NOTHING",
        `MERGE INTO dml d USING (SELECT generate_series(140, 160) AS id) s ON d.id = s.id
       WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'merged'
       WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'by merge')`,
        `WITH gone AS (DELETE FROM dml WHERE id < 10 RETURNING id, v), also AS (UPDATE dml SET n = -1 WHERE id = 20 RETURNING id, v)
       INSERT INTO dml2 SELECT * FROM gone UNION ALL SELECT * FROM also`,
        'UPDATE dml SET n = s.i FROM (VALUES (30, 1), (30, 2)) s(id, i) WHERE dml.id = s.id',
        'UPDATE dml SET v = v',
        'BEGIN; UPDATE dml SET n = n + 1; UPDATE dml SET n = n + 1 WHERE id % 2 = 0; DELETE FROM dml WHERE id % 5 = 0; COMMIT',
        'DELETE FROM dml2 WHERE false',
      ],
    );
    await site.provider.within(async (client) => {
      const stream = copyIn(client, 'COPY dml FROM STDIN');
      await pipeline(Readable.from(['9001\t"q\\\\."\t1\n', '9002\t\\N\t2\n', '9003\t\\\\.\t3\n']), stream);
    });
    await expectEqual(site, ['dml', 'dml2']);
  });

  test('savepoints, exceptions and rollbacks leave only what was committed', async () => {
    await stage(site, { schema: 'CREATE TABLE sp (id int PRIMARY KEY, v text)', tables: ['sp'] });
    await play(
      site,
      ['sp'],
      [
        `BEGIN; INSERT INTO sp VALUES (1, 'a'); SAVEPOINT x; INSERT INTO sp VALUES (2, 'never'); UPDATE sp SET v = 'never';
       ROLLBACK TO x; INSERT INTO sp VALUES (3, 'b'); SAVEPOINT y; UPDATE sp SET v = v || '!' WHERE id = 1; RELEASE y; COMMIT`,
        `BEGIN; SAVEPOINT s; TRUNCATE sp; ROLLBACK TO s; INSERT INTO sp VALUES (4, 'c'); COMMIT`,
        `DO $$ BEGIN INSERT INTO sp VALUES (5, 'd'); BEGIN INSERT INTO sp VALUES (6, 'never'), (5, 'never');
       EXCEPTION WHEN unique_violation THEN INSERT INTO sp VALUES (7, 'caught'); END; END $$`,
        "BEGIN; INSERT INTO sp VALUES (8, 'never'); ROLLBACK",
        "BEGIN; INSERT INTO sp VALUES (9, 'x'); DELETE FROM sp WHERE id = 9; COMMIT",
      ],
    );
    expect(await site.subscriber('eu').value("SELECT count(*) FROM sp WHERE v LIKE 'never%'")).toBe('0');
  });

  test('foreign keys with every action, self-references and circles in one transaction', async () => {
    await stage(site, {
      schema: `CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node ON UPDATE CASCADE ON DELETE CASCADE);
        CREATE TABLE leaf (id int PRIMARY KEY, node int DEFAULT 1 REFERENCES node ON UPDATE CASCADE ON DELETE SET NULL);
        CREATE TABLE twig (id int PRIMARY KEY, node int DEFAULT 1 REFERENCES node ON UPDATE CASCADE ON DELETE SET DEFAULT);
        CREATE TABLE egg (id int PRIMARY KEY, hen int); CREATE TABLE hen (id int PRIMARY KEY, egg int REFERENCES egg DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen DEFERRABLE INITIALLY DEFERRED`,
      before: `INSERT INTO node VALUES (1, NULL); INSERT INTO node SELECT i, i / 2 FROM generate_series(2, 60) i;
        INSERT INTO leaf SELECT i, i FROM generate_series(1, 60) i; INSERT INTO twig SELECT i, i FROM generate_series(1, 60) i`,
      tables: ['node', 'leaf', 'twig', 'egg', 'hen'],
    });
    const all = ['node', 'leaf', 'twig', 'egg', 'hen'];
    await play(site, all, [
      'UPDATE node SET id = id + 1000 WHERE id BETWEEN 3 AND 9',
      'DELETE FROM node WHERE id = 1003',
      'BEGIN; UPDATE node SET id = 2000 WHERE id = 2; DELETE FROM node WHERE parent = 2000; COMMIT',
      'BEGIN; INSERT INTO hen VALUES (1, 1); INSERT INTO egg VALUES (1, 1); COMMIT',
      'BEGIN; DELETE FROM egg; INSERT INTO egg VALUES (1, 1); UPDATE hen SET id = 2; UPDATE egg SET hen = 2; COMMIT',
      'TRUNCATE node CASCADE',
    ]);
  });
});

describe('triggers of the application', () => {
  const triggerNames = ['"!a"', '" a"', '"A"', 'zz', '"_"', '"~"'];

  test.each(triggerNames)('that update the same row, by the name of %s, end in the right row', async (name) => {
    const table = `trg${triggerNames.indexOf(name)}`;
    await stage(site, {
      schema: `CREATE TABLE ${table} (id int PRIMARY KEY, v int, note text)`,
      before: `CREATE FUNCTION ${table}_fn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF NEW.v < 100 THEN UPDATE ${table} SET v = v + 100, note = TG_OP WHERE id = NEW.id; END IF; RETURN NULL; END $$;
        CREATE TRIGGER ${name} AFTER INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_fn()`,
      tables: [table],
    });
    await play(
      site,
      [table],
      [
        `INSERT INTO ${table} SELECT i, i, '' FROM generate_series(1, 20) i`,
        `UPDATE ${table} SET v = 5 WHERE id < 10`,
        `UPDATE ${table} SET id = id + 500, v = 7 WHERE id > 15`,
        `BEGIN; DELETE FROM ${table} WHERE id = 1; INSERT INTO ${table} VALUES (1, 1, ''); UPDATE ${table} SET v = 3 WHERE id = 1; COMMIT`,
      ],
    );
  });

  test('that delete, re-insert, change keys or touch other rows of the same table', async () => {
    await stage(site, {
      schema: 'CREATE TABLE wild (id int PRIMARY KEY, v int)',
      before: `CREATE FUNCTION wild_fn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF pg_trigger_depth() > 2 THEN RETURN NULL; END IF;
          IF NEW.v = 1 THEN DELETE FROM wild WHERE id = NEW.id;
          ELSIF NEW.v = 2 THEN DELETE FROM wild WHERE id = NEW.id; INSERT INTO wild VALUES (NEW.id, 20);
          ELSIF NEW.v = 3 AND NOT EXISTS (SELECT FROM wild WHERE id = NEW.id + 1000) THEN UPDATE wild SET id = id + 1000, v = 30 WHERE id = NEW.id;
          ELSIF NEW.v = 4 THEN UPDATE wild SET v = v + 1 WHERE id <> NEW.id;
          ELSIF NEW.v = 5 THEN INSERT INTO wild VALUES (NEW.id + 2000, 50) ON CONFLICT (id) DO UPDATE SET v = 51; END IF;
          RETURN NULL; END $$;
        CREATE TRIGGER " first" AFTER INSERT OR UPDATE ON wild FOR EACH ROW EXECUTE FUNCTION wild_fn();
        CREATE FUNCTION wild_stmt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF pg_trigger_depth() < 2 THEN UPDATE wild SET v = v * 10 WHERE v = 7; END IF; RETURN NULL; END $$;
        CREATE TRIGGER "!stmt" AFTER INSERT OR UPDATE OR DELETE ON wild FOR EACH STATEMENT EXECUTE FUNCTION wild_stmt()`,
      tables: ['wild'],
    });
    await play(
      site,
      ['wild'],
      [
        'INSERT INTO wild SELECT i, i % 8 FROM generate_series(1, 40) i',
        'UPDATE wild SET v = id % 6 WHERE id < 1000',
        'BEGIN; UPDATE wild SET v = 3 WHERE id < 20; UPDATE wild SET v = 7; DELETE FROM wild WHERE id % 4 = 0; COMMIT',
        'INSERT INTO wild VALUES (1, 4), (2, 5), (9999, 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v',
      ],
    );
  });

  test('that run before: change values, change keys, swallow rows', async () => {
    await stage(site, {
      schema: 'CREATE TABLE pre (id int PRIMARY KEY, v text)',
      before: `CREATE FUNCTION pre_fn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF TG_OP = 'DELETE' THEN IF OLD.v = 'KEEP' THEN RETURN NULL; END IF; RETURN OLD; END IF;
          IF NEW.v = 'skip' THEN RETURN NULL; END IF;
          NEW.v := upper(NEW.v); IF NEW.v = 'MOVE' THEN NEW.id := NEW.id + 100; END IF; RETURN NEW; END $$;
        CREATE TRIGGER pre BEFORE INSERT OR UPDATE OR DELETE ON pre FOR EACH ROW EXECUTE FUNCTION pre_fn()`,
      tables: ['pre'],
    });
    await play(
      site,
      ['pre'],
      [
        "INSERT INTO pre VALUES (1, 'a'), (2, 'skip'), (3, 'move'), (4, 'keep')",
        "UPDATE pre SET v = 'move' WHERE id = 1",
        "UPDATE pre SET v = 'skip'",
        'DELETE FROM pre',
      ],
    );
  });

  test('at the subscriber stay silent unless they are ALWAYS or REPLICA', async () => {
    await stage(site, { schema: 'CREATE TABLE quiet (id int PRIMARY KEY, v int)', tables: ['quiet'] });
    const eu = site.subscriber('eu');
    await eu.run(`CREATE TABLE heard (who text);
      CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard VALUES (TG_NAME); RETURN NULL; END $$;
      CREATE TRIGGER origin AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION hear();
      CREATE TRIGGER always AFTER INSERT ON quiet FOR EACH ROW EXECUTE FUNCTION hear(); ALTER TABLE quiet ENABLE ALWAYS TRIGGER always`);
    await play(site, ['quiet'], ['INSERT INTO quiet SELECT i, i FROM generate_series(1, 5) i']);
    expect(await eu.rows('SELECT who, count(*)::int AS n FROM heard GROUP BY who')).toEqual([{ who: 'always', n: 5 }]);
  });
});

describe('partitions and generated columns', () => {
  test('statements on the root, on a partition, and rows that move between them', async () => {
    await stage(site, {
      schema: `CREATE TABLE part (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE part_24 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE part_25 PARTITION OF part FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE part_rest PARTITION OF part DEFAULT`,
      before: "INSERT INTO part SELECT i, date '2024-06-01' + i * 10, 'old' FROM generate_series(1, 80) i",
      tables: ['part'],
    });
    await play(
      site,
      ['part'],
      [
        "INSERT INTO part VALUES (1000, '2024-02-02', 'a'), (1001, '2030-01-01', 'b')",
        "INSERT INTO part_25 VALUES (1002, '2025-05-05', 'direct')",
        "UPDATE part SET at = '2025-03-03', v = 'moved' WHERE id = 1000",
        "UPDATE part SET v = v || '!' WHERE id % 7 = 0",
        'DELETE FROM part_24 WHERE id % 3 = 0',
        'TRUNCATE part_25',
        'TRUNCATE part_rest',
        "INSERT INTO part VALUES (1003, '2025-01-01', 'after')",
        'TRUNCATE part',
        "INSERT INTO part VALUES (1004, '2024-01-01', 'end')",
      ],
    );
  });

  test('identity, stored generated columns, other column order and columns of its own at the subscriber', async () => {
    await site.provider.run(`CREATE TABLE gen (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, gone int,
      twice int GENERATED ALWAYS AS (a * 2) STORED, b text DEFAULT 'b'); ALTER TABLE gen DROP COLUMN gone`);
    await site
      .subscriber('eu')
      .run(`CREATE TABLE gen (own text DEFAULT 'mine', b text, twice int GENERATED ALWAYS AS (a * 2) STORED,
      a int, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, more timestamptz DEFAULT now())`);
    await site.provider.run('INSERT INTO gen (a) SELECT i FROM generate_series(1, 20) i');
    await site.millrace('add', 'gen');
    await site.millrace('wait', '--timeout', '60s');
    await site.subscriber('eu').run("UPDATE gen SET own = 'kept' WHERE id = 3");
    await play(
      site,
      ['gen'],
      ['INSERT INTO gen (a) VALUES (100), (NULL)', 'UPDATE gen SET a = a + 1, b = NULL', 'DELETE FROM gen WHERE a = 5'],
    );
    expect(await site.subscriber('eu').value('SELECT own FROM gen WHERE id = 3')).toBe('kept');
  });
});
