// What of an error may stand in a log. The sentence of a PostgreSQL server never does: whoever knows that the statement carried
// no rows puts it into a MillraceError (libs/postgres, statementError).
import { MillraceError, serverNames, serverState, textWithoutRows } from '@millrace/errors';

type Fields = Record<string, unknown>;

const kept = ['code', 'advice', 'severity', 'routine', 'syscall'] as const;
const depthLimit = 4;

/** Turns any thrown value into plain fields for a log line: type, message, code, stack and causes, no row values. */
export function errorFields(error: unknown, depth = 0): Fields {
  if (!(error instanceof Error)) return { type: typeof error, message: 'a value that is no Error was thrown' };
  const source = error as Error & Fields;
  const fields: Fields = { type: error.name, message: safeMessage(error) };
  for (const key of kept) {
    if (typeof source[key] === 'string') fields[key] = source[key];
  }
  if (serverState(error) !== undefined) Object.assign(fields, serverNames(error));
  if (typeof error.stack === 'string') fields['stack'] = stackFrames(error.stack);
  if (error.cause !== undefined && depth < depthLimit) fields['cause'] = errorFields(error.cause, depth + 1);
  if (error instanceof AggregateError && depth < depthLimit) {
    fields['errors'] = error.errors.slice(0, 5).map((inner) => errorFields(inner, depth + 1));
  }
  return fields;
}

/** The message of an error without row values. */
export function safeMessage(error: Error): string {
  return error instanceof MillraceError ? error.message : textWithoutRows(error);
}

// The first lines of a stack repeat the message, which may hold values; the frames alone say where.
function stackFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 12)
    .map((line) => line.trim())
    .join(' | ');
}
