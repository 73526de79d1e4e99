import { type ErrorCode, MillraceError } from '@millrace/errors';

/** A reason why a command must not begin. Its text names the object and what is wrong with it. */
export interface Finding {
  readonly code: ErrorCode;
  readonly text: string;
}

/** Throws when there are findings: the first one's code, and one line for each. */
export function refuseOn(findings: readonly Finding[], advice?: string): void {
  const [first] = findings;
  if (first === undefined) return;
  const lines = [...new Set(findings.map(({ text }) => text))];
  throw new MillraceError(first.code, lines.join('\n'), advice === undefined ? {} : { advice });
}
