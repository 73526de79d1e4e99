// What of an error may stand in a log. A PostgreSQL error carries row values in `detail`, `where`, `hint`,
// in its query text and, for data exceptions (class 22) and raised ones (class P0), in its message; none may be logged.

type Fields = Record<string, unknown>;

const kept = ['code', 'advice', 'severity', 'schema', 'table', 'column', 'constraint', 'routine', 'syscall'] as const;
const depthLimit = 4;

const marks = '"«»„“”‚‘’‹›「」『』';
const bytes = /0x[0-9a-f]{2}(?:[ ,]+0x[0-9a-f]{2})*/gi;

/** Turns any thrown value into plain fields for a log line: type, message, code, stack and causes, no row values. */
export function errorFields(error: unknown, depth = 0): Fields {
  if (!(error instanceof Error)) return { type: typeof error, message: 'a value that is no Error was thrown' };
  const source = error as Error & Fields;
  const message = safeMessage(source);
  const fields: Fields = { type: error.name, message };
  for (const key of kept) {
    if (typeof source[key] === 'string') fields[key] = source[key];
  }
  if (typeof error.stack === 'string') fields['stack'] = stackFrames(error.stack);
  if (error.cause !== undefined && depth < depthLimit) fields['cause'] = errorFields(error.cause, depth + 1);
  if (error instanceof AggregateError && depth < depthLimit) {
    fields['errors'] = error.errors.slice(0, 5).map((inner) => errorFields(inner, depth + 1));
  }
  return fields;
}

/**
 * The message of an error without row values. PostgreSQL quotes them in data exceptions (class 22, with the quotation marks
 * of the server's language and without doubling those inside the value), and what RAISE of the application's functions
 * (class P0) says may hold anything: of those only the function is named. Our own functions never speak of values.
 */
export function safeMessage(error: Error & { code?: unknown; where?: unknown }): string {
  const state = typeof error.code === 'string' ? error.code : '';
  if (/^22[0-9A-Z]{3}$/.test(state)) return error.message.replace(quoted, '"..."').replace(bytes, '0x...');
  return /^P000[14]$/.test(state)
    ? raisedBy(typeof error.where === 'string' ? error.where : '', error.message)
    : error.message;
}

/** From the first mark to the last: a value may hold marks itself. */
const quoted = new RegExp(`[${marks}].*[${marks}]`, 's');

function raisedBy(where: string, message: string): string {
  // The innermost frame alone; further ones may quote statements. A signature holds names and types.
  const [, name] = /^PL\/pgSQL [^"]*?((?:[\w$]+\.)?[\w$]+\([^()]*\)) /.exec(where.split('\n', 1)[0] ?? '') ?? [];
  if (name !== undefined && /^(?:pgq|millrace)\./.test(name)) return message;
  return name === undefined ? 'a function of the database refused it' : `function ${name} of the database refused it`;
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
