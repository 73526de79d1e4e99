import { differences, type Named } from './checksum.ts';
import type { Database } from './database.ts';
import type { Ledger } from './workload/ledger.ts';

/** One broken promise. */
export interface Finding {
  readonly rule: string;
  readonly detail: string;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** What was looked at, so that a clean verdict over nothing is seen. */
  readonly looked: Readonly<Record<string, number>>;
}

export interface Question {
  readonly provider: Database;
  readonly subscribers: ReadonlyMap<string, Database>;
  readonly ledger: Ledger;
  readonly tables: readonly string[];
  readonly sequences: readonly string[];
}

/** Judges the end of a run, when everybody is quiet. It reads every table, not only those that were written. */
export async function judge(question: Question): Promise<Verdict> {
  const findings: Finding[] = [];
  const looked: Record<string, number> = { ...question.ledger.counts };
  for (const surprise of question.ledger.surprises)
    findings.push({ rule: 'the application was hurt', detail: surprise });
  findings.push(...(await fates('provider', question.provider, question.ledger)));
  for (const [name, subscriber] of question.subscribers) {
    findings.push(...(await fates(name, subscriber, question.ledger)));
    findings.push(...(await witnesses(name, subscriber)));
    const what = { tables: question.tables.map(inPublic), sequences: question.sequences.map(inPublic) };
    for (const detail of await differences(question.provider, subscriber, what)) {
      findings.push({ rule: 'subscriber equals provider', detail: `${name}: ${detail}` });
    }
    looked[`${name} log rows`] = Number(await subscriber.value('SELECT count(*) FROM public.log'));
    looked[`${name} account steps`] = Number(await subscriber.value('SELECT count(*) FROM public.account_steps'));
  }
  return { findings, looked };
}

function inPublic(name: string): Named {
  return { schema: 'public', name };
}

/** What a client knows to be committed is there once; what it knows to have failed is not. */
async function fates(where: string, database: Database, ledger: Ledger): Promise<Finding[]> {
  const findings: Finding[] = [];
  const counts = await database.rows('SELECT txno::text, count(*)::int AS n FROM public.log GROUP BY txno');
  const seen = new Map(counts.map((row) => [Number(row['txno']), Number(row['n'])]));
  const lost = ledger.all('ok').filter((txno) => !seen.has(txno));
  const risen = ledger.all('failed').filter((txno) => seen.has(txno));
  const twice = [...seen].filter(([, n]) => n !== 1).map(([txno]) => txno);
  if (lost.length > 0) findings.push({ rule: 'ok ⊆ subscriber', detail: `${where} lacks ${listed(lost)}` });
  if (risen.length > 0) findings.push({ rule: 'failed ∩ subscriber = ∅', detail: `${where} has ${listed(risen)}` });
  if (twice.length > 0) findings.push({ rule: 'once', detail: `${where} has twice ${listed(twice)}` });
  const never = Number(await database.value("SELECT count(*) FROM public.log WHERE payload = 'never'"));
  if (never > 0)
    findings.push({ rule: 'rolled back is not seen', detail: `${where}: ${never} rows of undone savepoints` });
  return findings;
}

function listed(numbers: readonly number[]): string {
  const more = numbers.length > 5 ? ` and ${numbers.length - 5} more` : '';
  return `${numbers.slice(0, 5).join(', ')}${more}`;
}

/** The witnesses' records: a log row came once and never changed; an account's versions never went back or jumped in. */
async function witnesses(where: string, database: Database): Promise<Finding[]> {
  const findings: Finding[] = [];
  const log = await database.rows(
    `SELECT txno::text, string_agg(op, '') AS ops FROM public.log_steps GROUP BY txno HAVING string_agg(op, '') <> 'I' LIMIT 5`,
  );
  for (const row of log)
    findings.push({ rule: 'once', detail: `${where}: log ${row['txno']} was applied as ${row['ops']}` });
  const steps = await database.rows(
    `SELECT id, op, old_ver::text, new_ver::text, before::text FROM (
       SELECT *, lag(new_ver) OVER (PARTITION BY id ORDER BY n) AS before FROM public.account_steps) s
     WHERE (op = 'I' AND before IS NOT NULL) OR op = 'D'
        OR (op = 'U' AND (old_ver IS DISTINCT FROM before OR new_ver <= old_ver)) LIMIT 5`,
  );
  for (const row of steps) {
    const detail = `${where}: account ${row['id']} ${row['op']} from ${row['old_ver']} to ${row['new_ver']} after ${row['before']}`;
    findings.push({ rule: 'versions only grow', detail });
  }
  return findings;
}

/** Equality alone, for waiting: true when every table and sequence of every subscriber is the provider's. */
export async function isEqual(question: Question): Promise<boolean> {
  const what = { tables: question.tables.map(inPublic), sequences: question.sequences.map(inPublic) };
  for (const subscriber of question.subscribers.values()) {
    if ((await differences(question.provider, subscriber, what)).length > 0) return false;
  }
  return true;
}
