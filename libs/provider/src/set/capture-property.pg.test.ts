import type { PgClient } from '@millrace/postgres';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { queue, queueFixture } from '../../test/queue-fixture.ts';
import { capturedEvents, Replica, tableContent } from '../../test/replayed-queue.ts';
import { addTable } from '../mod.ts';

// Random user triggers on a table of a few keys, random statements in random transactions: after every transaction the
// queue, replayed by the simplest of subscribers, must give the table. So the order in which PostgreSQL runs whose
// trigger is never our guess.

const bodies: readonly string[] = [
  'UPDATE %t SET v = v + 1 WHERE k = 2 AND v < 50',
  'UPDATE %t SET v = v * 2 + k WHERE v < 9',
  'UPDATE %t SET k = k + 20 WHERE k = 3 AND NOT EXISTS (SELECT FROM %t WHERE k = 23 OR k = 43)',
  'DELETE FROM %t WHERE k = 4',
  "INSERT INTO %t (k, g, v) VALUES (5, 'by trigger', 1) ON CONFLICT (k, g) DO UPDATE SET v = 7",
  "INSERT INTO %t (k, g, v) SELECT 90 + count(*), 'new', 0 FROM %t WHERE k > 89 AND k < 94 ON CONFLICT DO NOTHING",
  "BEGIN UPDATE %t SET v = 1000; RAISE EXCEPTION 'undone'; EXCEPTION WHEN raise_exception THEN NULL; END",
  'BEGIN UPDATE %t SET v = v + 3 WHERE k = 1; DELETE FROM %t WHERE k = 2; EXCEPTION WHEN others THEN NULL; END',
  'UPDATE %t SET v = v + 1 WHERE k = 1; UPDATE %t SET v = v + 1 WHERE k = 1',
];
const rowBodies: readonly string[] = [
  'new.v := coalesce(new.v, 0) + 1',
  'new.k := new.k + 30',
  'UPDATE %t SET v = v + 5 WHERE (k, g) = (new.k, new.g)',
  'DELETE FROM %t WHERE (k, g) = (new.k, new.g) AND v > 20',
  'IF new.v = 3 THEN RETURN NULL; END IF',
];

const triggerArb = fc.record({
  name: fc.constantFrom('!a', ' a', 'A', 'capture', 'capture_2', 'zz', 'mr_new', '_x'),
  when: fc.constantFrom('BEFORE', 'AFTER'),
  event: fc.constantFrom('INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE'),
  level: fc.constantFrom('ROW', 'STATEMENT'),
  own: fc.boolean(),
  body: fc.nat(),
});
type Trigger = typeof triggerArb extends fc.Arbitrary<infer T> ? T : never;

const keyArb = fc.integer({ min: 1, max: 6 });
const groupArb = fc.constantFrom('a', 'b,"\\\n', '');
const statementArb: fc.Arbitrary<string> = fc.oneof(
  fc
    .array(fc.tuple(keyArb, groupArb, keyArb), { minLength: 1, maxLength: 4 })
    .map(
      (rows) =>
        `INSERT INTO %t (k, g, v) VALUES ${rows.map(([k, g, v]) => `(${k}, ${quote(g)}, ${v})`).join(', ')} ON CONFLICT DO NOTHING`,
    ),
  fc
    .tuple(keyArb, groupArb)
    .map(
      ([k, g]) =>
        `INSERT INTO %t (k, g, v) SELECT ${k} + n, ${quote(g)}, n FROM generate_series(0, 2) n ON CONFLICT (k, g) DO UPDATE SET v = %t.v + 10`,
    ),
  keyArb.map((k) => `UPDATE %t SET v = v + 1 WHERE k <= ${k}`),
  keyArb.map((k) => `UPDATE %t SET v = v + 1 WHERE k = ${k} AND g = 'a'`),
  keyArb.map((k) => `UPDATE %t SET k = k + 100 WHERE k = ${k}`),
  fc.constant('UPDATE %t SET k = k - 100 WHERE k > 100 AND NOT EXISTS (SELECT FROM %t o WHERE o.k = %t.k - 100)'),
  fc.constant('UPDATE %t SET k = -k'),
  keyArb.map((k) => `DELETE FROM %t WHERE k = ${k}`),
  keyArb.map((k) => `UPDATE %t SET v = f_%s(k) WHERE k >= ${k}`),
  fc.constant(
    'INSERT INTO %t (k, g, v) SELECT 7 + n, $$fn$$, f_%s(n) FROM generate_series(1, 2) n ON CONFLICT DO NOTHING',
  ),
  keyArb.map(
    (k) =>
      `WITH gone AS (DELETE FROM %t WHERE k = ${k} RETURNING *) INSERT INTO %t (k, g, v) SELECT k, g, v + 1 FROM gone`,
  ),
  keyArb.map(
    (k) =>
      `WITH up AS (UPDATE %t SET v = v + 2 WHERE k < ${k} RETURNING k) DELETE FROM %t WHERE k = ${k} AND EXISTS (SELECT FROM up)`,
  ),
  fc.constant('TRUNCATE %t'),
  keyArb.map(
    (k) => `MERGE INTO %t t USING (VALUES (${k}, 'a', 1), (${k + 1}, 'a', 2)) s(k, g, v) ON (t.k, t.g) = (s.k, s.g)
      WHEN MATCHED AND t.v > 5 THEN DELETE WHEN MATCHED THEN UPDATE SET v = t.v + 4 WHEN NOT MATCHED THEN INSERT (k, g, v) VALUES (s.k, s.g, s.v)`,
  ),
);
const stepArb = fc.oneof(
  { weight: 8, arbitrary: statementArb },
  { weight: 2, arbitrary: fc.tuple(statementArb, statementArb).map((both) => both.join('; ')) },
  { weight: 1, arbitrary: fc.constant('ROLLBACK TO mine') },
  { weight: 1, arbitrary: fc.constant('SAVEPOINT mine') },
);
const caseArb = fc.record({
  order: fc.constantFrom('k int, g text, v int', 'v int, g text, k int', 'g text, v int, k int'),
  triggers: fc.uniqueArray(triggerArb, { maxLength: 4, selector: (t) => t.name }),
  transactions: fc.array(fc.array(stepArb, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
  ends: fc.array(fc.constantFrom('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK'), { minLength: 5, maxLength: 5 }),
});
type Case = typeof caseArb extends fc.Arbitrary<infer T> ? T : never;

function quote(text: string): string {
  return text.includes('\\') ? ` E'${text.replaceAll('\\', '\\\\')}'` : `'${text}'`;
}

async function makeTable(client: PgClient, table: string, one: Case): Promise<void> {
  await client.query(
    `CREATE TABLE ${table} (${one.order}, w int GENERATED ALWAYS AS (v + 1) STORED, PRIMARY KEY (g, k))`,
  );
  await client.query(`CREATE FUNCTION f_${table}(i int) RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
    UPDATE ${table} SET v = v + i WHERE k = i + 1; RETURN i; END $f$`);
  for (const [n, trigger] of one.triggers.entries()) await makeTrigger(client, table, n, trigger);
}

async function makeTrigger(client: PgClient, table: string, n: number, trigger: Trigger): Promise<void> {
  const own = trigger.own && trigger.level === 'ROW' && !trigger.event.includes('DELETE');
  const list = own ? rowBodies : bodies;
  let body = list[trigger.body % list.length] ?? '';
  if (own && trigger.when === 'AFTER' && body.startsWith('new.')) body = bodies[0] ?? '';
  await client.query(`CREATE FUNCTION g_${table}_${n}() RETURNS trigger LANGUAGE plpgsql AS $g$ BEGIN
    IF pg_trigger_depth() < 3 THEN ${body.replaceAll('%t', table)}; END IF;
    RETURN coalesce(new, old); END $g$`);
  await client.query(`CREATE TRIGGER ${client.escapeIdentifier(trigger.name)} ${trigger.when} ${trigger.event} ON ${table}
    FOR EACH ${trigger.level} EXECUTE FUNCTION g_${table}_${n}()`);
}

/** Each step in a savepoint of its own: the application's errors (duplicate keys) are part of the game. */
async function runTransaction(client: PgClient, table: string, steps: readonly string[], end: string): Promise<void> {
  await client.query('BEGIN; SAVEPOINT mine');
  for (const step of steps) {
    const sql = step.replaceAll('%t', table).replaceAll('%s', table);
    await client.query('SAVEPOINT step');
    try {
      await client.query(sql);
    } catch (error) {
      if (/millrace|mr_new|mr_old|pgq/.test(String((error as { where?: string }).where))) throw error;
      await client.query('ROLLBACK TO step');
    }
    if (!sql.includes('mine')) await client.query('RELEASE step');
  }
  await client.query(end);
}

test.each([15, 18])('on PostgreSQL %i, whatever user triggers do, the queue replayed is the table', async (major) => {
  const { client, url } = await queueFixture(major);
  const runs = Number(process.env.MILLRACE_PROPERTY_RUNS ?? 60);
  await client.query(
    `SET DateStyle = 'ISO'; SET search_path = public; SET standard_conforming_strings = on; SET "plpgsql.extra_errors" = none`,
  );
  expect(url).toContain('own_');
  let count = 0;
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(caseArb, async (one) => {
      count += 1;
      const table = `t${count}`;
      await makeTable(client, table, one);
      await addTable(client, queue, { schema: 'public', name: table });
      const replica = new Replica();
      for (const [n, steps] of one.transactions.entries()) {
        await runTransaction(client, table, steps, one.ends[n] ?? 'COMMIT');
        const events = await capturedEvents(client, seen);
        seen = Math.max(seen, ...events.map((e) => e.id));
        replica.apply(events);
        expect(replica.content(['k', 'g', 'v'])).toEqual(await tableContent(client, table, ['k', 'g', 'v']));
      }
    }),
    { numRuns: runs, endOnFailure: false },
  );
});
