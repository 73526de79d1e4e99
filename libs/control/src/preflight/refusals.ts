import { type ErrorCode, MillraceError } from '@millrace/errors';

/** A reason why a command must not begin. Its text names the object and what is wrong with it. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
  /** What puts it right: a command, or a statement for the database that the text names. */
  readonly fix?: string | null;
}

/** Throws when there are refusals: the first one's code, and one line for each. */
export function refuseOn(refusals: readonly Refusal[], advice?: string): void {
  const [first] = refusals;
  if (first === undefined) return;
  const lines = [...new Set(refusals.map(lineOf))];
  throw new MillraceError(first.code, lines.join('\n'), advice === undefined ? {} : { advice });
}

function lineOf({ text, fix }: Refusal): string {
  return fix === undefined || fix === null ? text : `${text}; fix: ${fix}`;
}
