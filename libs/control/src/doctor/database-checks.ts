import { codes, toMillraceError } from '@millrace/errors';
import { type CheckRow, readServerFacts } from '@millrace/postgres';
import { isProviderInstalled } from '@millrace/provider';
import { isSubscriberInstalled, mayBeReplica } from '@millrace/subscriber';
import type { Side } from '../sides/side.ts';
import { type DoctorFinding, found, joinOutcomes, type Outcome } from './report.ts';
import type { CheckValues, SqlCheck } from './sql-checks.ts';

/** What is known of a database before it is checked. */
export interface DatabaseFacts {
  /** Its clock when it answered, and this host's at the middle of the query; milliseconds since 1970. */
  readonly clock: { readonly server: number; readonly ours: number; readonly roundTrip: number };
  readonly version: number;
  readonly encoding: string;
  /** The same text only for the same database; undefined where the role may not read it. */
  readonly identity: string | undefined;
  /** Our schema is there, of a provider and of a subscriber. */
  readonly installed: { readonly provider: boolean; readonly subscriber: boolean };
  /** Our role may switch triggers and foreign keys off. */
  readonly replica: boolean;
}

/** What is known before the database is queried. */
export type DatabaseValues = Omit<CheckValues, 'replica'>;

/** Reads what a database is. Throws as Side.run does. */
export async function readDatabaseFacts(side: Side): Promise<DatabaseFacts> {
  const [before, clock] = [Date.now(), performance.now()];
  const facts = await side.run(readServerFacts);
  const roundTrip = performance.now() - clock;
  const { now, version, encoding, system, database } = facts;
  return {
    clock: { server: Number(now), ours: before + roundTrip / 2, roundTrip },
    version,
    encoding,
    identity: system === null ? undefined : `${system} ${database}`,
    installed: {
      provider: await side.run(isProviderInstalled),
      subscriber: await side.run(isSubscriberInstalled),
    },
    replica: await mayBeReplica(side.client),
  };
}

/** Runs these checks on one database, one after the other. One that fails is listed as not checked, and the others are run. */
export async function runChecks(
  side: Side,
  where: string,
  { checks, facts, values }: { checks: readonly SqlCheck[]; facts: DatabaseFacts; values: DatabaseValues },
): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const check of checks) {
    if (facts.version >= (check.since ?? 0)) outcomes.push(await runCheck(side, where, { check, facts, values }));
  }
  return joinOutcomes(outcomes);
}

async function runCheck(
  side: Side,
  where: string,
  { check, facts, values }: { check: SqlCheck; facts: DatabaseFacts; values: DatabaseValues },
): Promise<Outcome> {
  try {
    const rows = await side.run((client) => check.rows(client, { ...values, replica: facts.replica }));
    const known = rows.flatMap((row) => (row.level === 'unknown' ? [] : [finding(row, row.level)]));
    const unknown = rows.filter(({ level }) => level === 'unknown');
    const notChecked = unknown.map(({ message, fix }) => ({
      side: where,
      check: check.check,
      reason: withFix(message, fix),
    }));
    if (known.length === 0 && notChecked.length > 0) return { findings: [], notChecked };
    return { findings: found(check.check, where, known).findings, notChecked };
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    if (code === codes.DATABASE_UNREACHABLE) throw error;
    return { findings: [], notChecked: [{ side: where, check: check.check, reason: sentence }] };
  }
}

/** Some statements give more columns, for other readers. */
function finding(
  { object, message, fix }: CheckRow,
  level: DoctorFinding['level'],
): Omit<DoctorFinding, 'check' | 'side'> {
  return { level, object, message, fix };
}

function withFix(message: string, fix: string | null): string {
  return fix === null ? message : `${message}; fix: ${fix}`;
}
