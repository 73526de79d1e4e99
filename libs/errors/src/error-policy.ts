import { codes, type ErrorCode, type ErrorVerdict, toMillraceError } from './millrace-error.ts';

/** What a service does about an error, and what it shows. */
export interface Verdict {
  /** retry: with growing delay. stop: report and try again rarely, so that a repair by a person is noticed. */
  readonly action: ErrorVerdict;
  readonly code: ErrorCode;
  /** Whole sentence for status and log. */
  readonly sentence: string;
  /** Exit code of a command that ends with this error. */
  readonly exitCode: 1 | 2;
}

const passing = new Set<ErrorCode>([
  codes.DATABASE_UNREACHABLE,
  codes.DATABASE_BUSY,
  codes.BUS_UNAVAILABLE,
  codes.NOT_LEADER,
  codes.TIMEOUT,
]);

const wrongUse = new Set<ErrorCode>([codes.USAGE, codes.CONFIG]);

/** The one place that decides what an error means. */
export function verdictOf(error: unknown): Verdict {
  const known = toMillraceError(error);
  return {
    action: passing.has(known.code) ? 'retry' : 'stop',
    code: known.code,
    sentence: known.sentence,
    exitCode: wrongUse.has(known.code) ? 2 : 1,
  };
}
