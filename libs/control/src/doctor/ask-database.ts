import { codes, toMillraceError } from '@millrace/errors';
import type { TableName } from '@millrace/model';
import { sqlstateOf } from '@millrace/postgres';
import { sqlText } from '../command/sql-text.ts';
import type { Side } from '../sides/side.ts';
import { type DoctorFinding, found, joinOutcomes, type Outcome } from './report.ts';
import type { Parameter, SqlCheck } from './sql-checks.ts';

/** What is known of a database before it is asked further. */
export interface DatabaseFacts {
  /** Its clock when it answered, and the middle of the question by ours; milliseconds since 1970. */
  readonly clock: { readonly server: number; readonly ours: number; readonly roundTrip: number };
  readonly version: number;
  readonly encoding: string;
  /** The same text only for the same database; undefined where that may not be asked. */
  readonly identity: string | undefined;
  /** Our schema is there, of a provider and of a subscriber. */
  readonly installed: { readonly provider: boolean; readonly subscriber: boolean };
  /** Our role may switch triggers and foreign keys off. */
  readonly replica: boolean;
}

/** Values for the statements' parameters. */
export interface CheckValues {
  readonly queue: string;
  readonly subscriber: string;
  /** All tables that are followed there, or in the set. */
  readonly tables: readonly TableName[];
  /** Those of them that are to be judged. */
  readonly judged: readonly TableName[];
  readonly longSeconds: number;
  readonly largeQueue: number;
}

/** Asks a database what it is. Throws as Side.run does. */
export async function askFacts(side: Side): Promise<DatabaseFacts> {
  type Row = {
    now: string;
    version: number;
    encoding: string;
    database: string;
    system: string | null;
    provider: boolean;
    subscriber: boolean;
  };
  const [before, clock] = [Date.now(), performance.now()];
  const [row] = await side.run<Row>('doctor/facts');
  const roundTrip = performance.now() - clock;
  if (row === undefined) throw new Error('no facts');
  return {
    clock: { server: Number(row.now), ours: before + roundTrip / 2, roundTrip },
    version: row.version,
    encoding: row.encoding,
    identity: row.system === null ? undefined : `${row.system} ${row.database}`,
    installed: { provider: row.provider, subscriber: row.subscriber },
    replica: await mayBeReplica(side),
  };
}

async function mayBeReplica(side: Side): Promise<boolean> {
  try {
    await side.client.query(await sqlText('doctor/try_replica'));
    return true;
  } catch (error) {
    if (sqlstateOf(error) === '42501') return false;
    throw error;
  }
}

/** Runs these checks on one database, one after the other. One that fails is told and keeps no other from being run. */
export async function runChecks(
  side: Side,
  where: string,
  { checks, facts, values }: { checks: readonly SqlCheck[]; facts: DatabaseFacts; values: CheckValues },
): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const check of checks) {
    if (facts.version >= (check.since ?? 0)) outcomes.push(await runCheck(side, where, { check, facts, values }));
  }
  return joinOutcomes(outcomes);
}

type Row = Omit<DoctorFinding, 'check' | 'side' | 'level'> & { readonly level: DoctorFinding['level'] | 'unknown' };

async function runCheck(
  side: Side,
  where: string,
  { check, facts, values }: { check: SqlCheck; facts: DatabaseFacts; values: CheckValues },
): Promise<Outcome> {
  const parameters = check.parameters.map((name) => parameterOf(name, facts, values));
  try {
    const rows = await side.run<Row>(`doctor/${check.file}`, parameters);
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
function finding({ object, message, fix }: Row, level: DoctorFinding['level']): Omit<DoctorFinding, 'check' | 'side'> {
  return { level, object, message, fix };
}

function withFix(message: string, fix: string | null): string {
  return fix === null ? message : `${message}; fix: ${fix}`;
}

function parameterOf(name: Parameter, facts: DatabaseFacts, values: CheckValues): unknown {
  if (name === 'replica') return facts.replica;
  if (name === 'tables' || name === 'judged') return JSON.stringify(values[name].map((t) => [t.schema, t.name]));
  return values[name];
}
