/** Fields of a log line that repeat what the prefix of the line says. */
const known = new Set(['level', 'time', 'service', 'queue', 'subscriber', 'pid', 'msg', 'component']);

/** A JSON log line as `warn: text (key=value …)`; any other line unchanged. */
export function readableLine(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  if (typeof fields !== 'object' || fields === null || typeof fields['msg'] !== 'string') return line;
  const more = Object.entries(fields).flatMap(([key, value]) => {
    if (known.has(key) || value === null || typeof value === 'object') return [];
    return [`${key}=${String(value)}`];
  });
  const level = fields['level'] === 'info' ? '' : `${String(fields['level'])}: `;
  return `${level}${fields['msg']}${more.length === 0 ? '' : ` (${more.join(' ')})`}`;
}
