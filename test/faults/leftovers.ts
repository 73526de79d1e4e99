import { waitFor } from '@millrace/testkit';
import type { Finding } from '../harness/oracle.ts';
import type { Site } from '../harness/site.ts';

/** What must not be left behind when all is quiet; each query gives rows only when there is something. */
const atProvider: Readonly<Record<string, string>> = {
  'prepared transactions': 'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()',
  'replication slots': 'SELECT slot_name FROM pg_replication_slots',
  'sessions idle in a transaction': `SELECT application_name FROM pg_stat_activity
    WHERE application_name LIKE 'millrace%' AND state LIKE 'idle in transaction%'
      AND now() - state_change > interval '5 seconds'`,
  'unfinished copies': "SELECT copy_id FROM millrace.copy_request WHERE state NOT IN ('done', 'cancelled')",
};

const atSubscriber: Readonly<Record<string, string>> = {
  'lines kept for a copy': 'SELECT id FROM millrace.pending LIMIT 1',
  'tables that are not ok': "SELECT table_name, state FROM millrace.subscribed_table WHERE state <> 'ok'",
  'sessions idle in a transaction': atProvider['sessions idle in a transaction'] ?? '',
};

/** Looks for what a run left behind, for a bounded time: clean-up follows the last batch. */
export async function leftovers(site: Site): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = (detail: string): void => void findings.push({ rule: 'no leftovers', detail });
  for (const [what, sql] of Object.entries(atProvider))
    await none(`provider: ${what}`, () => site.provider.rows(sql), note);
  for (const [name, database] of site.subscribers) {
    for (const [what, sql] of Object.entries(atSubscriber))
      await none(`${name}: ${what}`, () => database.rows(sql), note);
  }
  const consumers = await site.provider.rows('SELECT co_name FROM pgq.consumer ORDER BY 1');
  const names = consumers.map((row) => String(row['co_name']));
  const wanted = [...site.subscribers.keys()].map((name) => `millrace.${name}`).sort();
  if (names.join() !== wanted.join()) note(`consumers ${names.join(', ')}`);
  await none('provider: event rows that nobody needs', () => eventRows(site), note);
  return findings;
}

async function none(what: string, look: () => Promise<unknown[]>, note: (detail: string) => void): Promise<void> {
  let last: unknown[] = [];
  const isGone = async (): Promise<boolean> => {
    last = await look();
    return last.length === 0;
  };
  await waitFor(what, isGone, { timeoutMs: 30_000, everyMs: 250 }).catch(() => {
    note(`${what}: ${JSON.stringify(last.slice(0, 3))}`);
  });
}

async function eventRows(site: Site): Promise<unknown[]> {
  const tables = await site.provider.rows(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'pgq' AND c.relname ~ '^event_[0-9]+_[0-9]+$'`,
  );
  const counts = await Promise.all(
    tables.map(async ({ name }) => ({
      name,
      rows: Number(await site.provider.value(`SELECT count(*) FROM ONLY ${name}`)),
    })),
  );
  return counts.filter(({ rows }) => rows > 0);
}
