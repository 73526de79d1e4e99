import { sameTable, type TableName } from '@millrace/model';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import { readDatabaseFacts, runChecks } from './database-checks.ts';
import { sideOf } from './examine-subscriber.ts';
import type { DoctorFinding } from './report.ts';
import { sqlChecks } from './sql-checks.ts';

/**
 * What prevents a subscriber from following these tables beside those that it follows: errors, with which they must not be
 * added, and warnings. Tables that are not there yet are passed over.
 */
export async function examineAddition(
  subscriber: SubscriberSide,
  { tables, followed }: { tables: readonly TableName[]; followed: readonly TableName[] },
): Promise<DoctorFinding[]> {
  const { side, queue, name } = subscriber;
  const facts = await readDatabaseFacts(side);
  const all = [...followed.filter((one) => !tables.some((table) => sameTable(one, table))), ...tables];
  const values = { queue, subscriber: name, tables: all, judged: tables, longSeconds: 0, largeQueue: 0 };
  const checks = sqlChecks.filter((check) => check.tables === true);
  const { findings } = await runChecks(side, sideOf(name), { checks, facts, values });
  return findings.filter(({ level }) => level !== 'ok');
}
