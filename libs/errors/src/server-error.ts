// What may be repeated of an error of a PostgreSQL server. Its message, detail, hint and context may hold row values: of the
// server's own checks, and of whatever a function of the application raises, under any SQLSTATE.
import { conditionNames } from './condition-names.ts';

/** Names of objects in an error of the server. */
export interface ServerNames {
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly dataType?: string;
}

const nameKeys = ['schema', 'table', 'column', 'constraint', 'dataType'] as const;

/** SQLSTATE of an error of the server, if it is one; EPIPE and the like are of the operating system. */
export function serverState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return 'severity' in error || !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

/** The names that the server itself gives. A function may give any text as a name, so those of a raised error are left out. */
export function serverNames(error: unknown): ServerNames {
  const fields = (error ?? {}) as ServerNames & { readonly where?: unknown };
  const where = typeof fields.where === 'string' ? fields.where : '';
  if (where !== '' && !/^COPY\b/.test(where)) return {};
  const names: Record<string, string> = {};
  for (const key of nameKeys) {
    const name = fields[key];
    if (typeof name === 'string' && name !== '') names[key] = name;
  }
  return names;
}

/** The function whose statement failed, with its argument types; undefined: none, or its language does not say. */
export function functionOf(error: unknown): string | undefined {
  const { where } = (error ?? {}) as { readonly where?: unknown };
  if (typeof where !== 'string') return undefined;
  // The innermost frame alone; further ones may quote statements.
  return /^PL\/pgSQL [^"]*?((?:[\w$]+\.)?[\w$]+\([^()]*\)) /.exec(where.split('\n', 1)[0] ?? '')?.[1];
}

/** What an operator reads in place of the server's sentence: condition, SQLSTATE, names, and where the rest is. */
export function serverRefusal(error: unknown): string {
  const state = serverState(error) ?? 'unknown';
  const { schema, table, ...others } = serverNames(error);
  const condition = conditionNames[state];
  const raised = functionOf(error);
  const parts = [
    condition === undefined ? `SQLSTATE ${state}` : `${condition} (SQLSTATE ${state})`,
    ...(table === undefined ? [] : [`table ${schema === undefined ? table : `${schema}.${table}`}`]),
    ...Object.entries(others).map(([kind, name]) => `${kind === 'dataType' ? 'type' : kind} ${name}`),
    ...(raised === undefined ? [] : [`in function ${raised}`]),
  ];
  return `${parts.join(', ')}; the log of that database's server has its text`;
}

/** The text of any error without row values. */
export function textWithoutRows(error: unknown): string {
  if (serverState(error) !== undefined) return serverRefusal(error);
  // The text that cannot be read stands in it.
  if (error instanceof SyntaxError) return 'a text is not what it should be (JSON or the like)';
  return error instanceof Error ? error.message : String(error);
}
