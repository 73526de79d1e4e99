import { codes, type ErrorCode, MillraceError } from '@millrace/errors';

/** SQLSTATE of an error of the server, if it is one. */
export function sqlstateOf(error: unknown): string | undefined {
  if (error instanceof MillraceError) return error.sqlstate;
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** The socket failed, or the driver says that the session is over. */
const lost = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const lostWords =
  /Connection terminated|connection timeout|timeout expired|Query read timeout|not queryable|Client has encountered a connection error|socket hang up|Connection ended|Client was closed/i;

/** Classes and states that pass: the same statement may well succeed a moment later. */
const unreachable = /^(08...|57P0[1-5]|53300)$/;
const busy = /^(40001|40P01|40003|55P03|55006|57014|25006|53...|58...)$/;
const permission = /^(28...|42501)$/;

/**
 * Gives an error of the driver or server a code of ours. `doing` says what was tried, for people: "reading ticks".
 * The server's DETAIL may hold row values and is left out.
 */
export function databaseError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const sqlstate = sqlstateOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const code = sqlstate === undefined ? codeOfDriver(error, text) : codeOfState(sqlstate);
  const more = sqlstate === undefined ? { cause: error } : { cause: error, sqlstate };
  return new MillraceError(code, `${doing}: ${text || (error as { code?: string }).code || 'no answer'}`, more);
}

function codeOfDriver(error: unknown, text: string): ErrorCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (lost.has(code) || lostWords.test(text)) return codes.DATABASE_UNREACHABLE;
  return error instanceof AggregateError ? codes.DATABASE_UNREACHABLE : codes.INTERNAL;
}

function codeOfState(sqlstate: string): ErrorCode {
  if (unreachable.test(sqlstate)) return codes.DATABASE_UNREACHABLE;
  if (busy.test(sqlstate)) return codes.DATABASE_BUSY;
  if (permission.test(sqlstate)) return codes.PERMISSION;
  if (/^23/.test(sqlstate)) return codes.CONSTRAINT;
  if (/^22/.test(sqlstate)) return codes.BAD_VALUE;
  return codes.DATABASE_REFUSED;
}
