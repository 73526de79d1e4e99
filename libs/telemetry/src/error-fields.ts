// What of an error may stand in a log. A PostgreSQL error carries row values in `detail`, `where`, `hint`,
// in its query text and, for data exceptions (class 22), between the quotes of its message; none may be logged.

type Fields = Record<string, unknown>;

const KEPT = ['code', 'advice', 'severity', 'schema', 'table', 'column', 'constraint', 'routine', 'syscall'] as const;
const DEPTH_LIMIT = 4;

/** Turns any thrown value into plain fields for a log line: type, message, code, stack and causes, no row values. */
export function errorFields(error: unknown, depth = 0): Fields {
  if (!(error instanceof Error)) return { type: typeof error, message: 'a value that is no Error was thrown' };
  const source = error as Error & Fields;
  const message = safeMessage(source);
  const fields: Fields = { type: error.name, message };
  for (const key of KEPT) {
    if (typeof source[key] === 'string') fields[key] = source[key];
  }
  if (typeof error.stack === 'string') fields['stack'] = stackFrames(error.stack);
  if (error.cause !== undefined && depth < DEPTH_LIMIT) fields['cause'] = errorFields(error.cause, depth + 1);
  if (error instanceof AggregateError && depth < DEPTH_LIMIT) {
    fields['errors'] = error.errors.slice(0, 5).map((inner) => errorFields(inner, depth + 1));
  }
  return fields;
}

/** The message of an error without the row values that PostgreSQL quotes in data exceptions. */
export function safeMessage(error: Error & { code?: unknown; severity?: unknown }): string {
  const isDataException =
    typeof error.severity === 'string' && typeof error.code === 'string' && error.code.startsWith('22');
  return isDataException ? error.message.replace(/"(?:[^"]|"")*"/gs, '"…"') : error.message;
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
