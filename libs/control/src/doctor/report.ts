// The doctor's report: the document of `doctor --json`, and the same for people.
import { z } from 'zod';
import { alignColumns } from '../command/show.ts';

const level = z.enum(['ok', 'warning', 'error']);

export type Level = z.infer<typeof level>;

export const finding = z
  .strictObject({
    check: z.string().describe('stable name of the check'),
    level,
    side: z
      .string()
      .describe('`provider`, `subscriber NAME`, `bus` or `host`: where the object is, and a fix in SQL is to be run'),
    object: z.string(),
    message: z.string().describe('what is wrong with the object, in one sentence'),
    fix: z.string().nullable().describe('one line: a command, or SQL for that side; null: there is none in one line'),
  })
  .describe('What one check found about one object; with level `ok` that it found nothing on that side.');

export type DoctorFinding = z.infer<typeof finding>;

const notChecked = z.strictObject({ side: z.string(), check: z.string().nullable(), reason: z.string() });

export type NotChecked = z.infer<typeof notChecked>;

export const doctorDocument = z.strictObject({
  ok: z.boolean().describe('false: there is an error'),
  queue: z.string(),
  errors: z.int(),
  warnings: z.int(),
  findings: z.array(finding),
  not_checked: z
    .array(notChecked)
    .describe('what could not be inspected from here, and why; check null: nothing of that side'),
});

export type DoctorReport = z.infer<typeof doctorDocument>;

/** What a check gives before it is known whether all was well. */
export interface Outcome {
  readonly findings: readonly DoctorFinding[];
  readonly notChecked: readonly NotChecked[];
}

export const nothing: Outcome = { findings: [], notChecked: [] };

export function joinOutcomes(outcomes: readonly Outcome[]): Outcome {
  return {
    findings: outcomes.flatMap(({ findings }) => findings),
    notChecked: outcomes.flatMap(({ notChecked }) => notChecked),
  };
}

/** A finding before it is known which check found it, and where. */
export type BareFinding = Omit<DoctorFinding, 'check' | 'side'>;

/** A check that inspected a side and found these; with none of them it reports `ok` for that side. */
export function found(check: string, side: string, findings: readonly BareFinding[]): Outcome {
  if (findings.length > 0) return { findings: findings.map((one) => ({ check, side, ...one })), notChecked: [] };
  return {
    findings: [{ check, level: 'ok', side, object: side, message: 'is as it should be', fix: null }],
    notChecked: [],
  };
}

/** The report of these outcomes: errors first, then warnings. */
export function reportOf(queue: string, { findings, notChecked }: Outcome): DoctorReport {
  const of = (wanted: Level) => findings.filter(({ level: is }) => is === wanted);
  const [errors, warnings] = [of('error'), of('warning')];
  return {
    ok: errors.length === 0,
    queue,
    errors: errors.length,
    warnings: warnings.length,
    findings: [...errors, ...warnings, ...of('ok')],
    not_checked: [...notChecked],
  };
}

/** One finding as a line: `warning: subscriber eu: public.entry has …; fix: …`. */
export function findingLine({ level: is, side, object, message, fix }: DoctorFinding): string {
  const where = object === side ? side : `${side}: ${object}`;
  return `${is}: ${where} ${message}${fix === null ? '' : `; fix: ${fix}`}`;
}

/** The report for people. */
export function showReport({ queue, errors, warnings, findings, not_checked }: DoctorReport): string {
  const wrong = findings.filter(({ level: is }) => is !== 'ok');
  const well = findings.filter(({ level: is }) => is === 'ok');
  const sides = [...new Set(well.map(({ side }) => side))];
  const parts = [
    wrong
      .map(
        (one) =>
          `${one.level.toUpperCase()} ${one.check}\n  ${findingLine(one)
            .replace(/^\w+: /, '')
            .replace('; fix: ', '\n  fix: ')}`,
      )
      .join('\n'),
    alignColumns(
      sides.map((side) => [
        `ok ${side}`,
        well
          .filter((one) => one.side === side)
          .map(({ check }) => check)
          .join(' '),
      ]),
    ),
    not_checked
      .map(({ side, check, reason }) => `not checked: ${side}${check === null ? '' : ` ${check}`}: ${reason}`)
      .join('\n'),
    `queue ${queue}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
