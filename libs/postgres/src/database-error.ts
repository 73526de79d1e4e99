import { codes, type ErrorCode, functionOf, MillraceError, serverState, textWithoutRows } from '@millrace/errors';

/** SQLSTATE of an error of the server, if it is one. */
export function sqlstateOf(error: unknown): string | undefined {
  if (error instanceof MillraceError) return error.sqlstate;
  return serverState(error);
}

/** The socket failed, or the driver says that the session is over. */
const lost =
  /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOST[A-Z]+|ENET[A-Z]+|ENOTFOUND|EAI_AGAIN|ERR_STREAM_(PREMATURE_CLOSE|DESTROYED))$/;
/** Calls of a socket, whatever they say: a server on this machine that is down is ENOENT. */
const socketCalls = new Set(['connect', 'read', 'write', 'shutdown', 'getaddrinfo']);
const lostWords =
  /Connection terminated|connection timeout|timeout expired|Query read timeout|not queryable|Client has encountered a connection error|socket hang up|Connection ended|Client was closed/i;

/** Classes and states that pass: the same statement may well succeed a moment later. */
const unreachable = /^(08...|57P0[1-5]|53300|25P0[34])$/;
const busy = /^(40001|40P01|40003|55P03|55006|57014|25006|53...|58...)$/;
const permission = /^(28...|42501)$/;

/**
 * Gives an error of the driver or server a code of ours. `doing` says what was tried, for people: "reading ticks". Of the
 * server's error only SQLSTATE, condition and names of objects are taken: its sentence may hold row values.
 */
export function databaseError(error: unknown, doing: string): MillraceError {
  return error instanceof MillraceError ? error : withCode(error, doing, textWithoutRows(error));
}

/** The same with the server's sentence, for statements that carry no rows and evaluate none: connecting, catalogs, our own tables. */
export function statementError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  return withCode(error, doing, isOfServer(error) ? error.message : textWithoutRows(error));
}

/** False when a function of the application may have written the sentence, or it quotes a value. */
function isOfServer(error: unknown): error is Error {
  const state = serverState(error);
  if (!(error instanceof Error) || state === undefined) return false;
  const raisedIn = functionOf(error);
  if (raisedIn !== undefined) return /^(?:pgq|millrace)\./.test(raisedIn);
  return !/^(?:22|P0)/.test(state);
}

function withCode(error: unknown, doing: string, text: string): MillraceError {
  const sqlstate = sqlstateOf(error);
  const code = sqlstate === undefined ? codeOfDriver(error, text) : codeOfState(sqlstate);
  const more = sqlstate === undefined ? { cause: error } : { cause: error, sqlstate };
  return new MillraceError(code, `${doing}: ${text || (error as { code?: string }).code || 'no answer'}`, more);
}

function codeOfDriver(error: unknown, text: string): ErrorCode {
  const { code = '', syscall = '' } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (lost.test(String(code)) || socketCalls.has(String(syscall)) || lostWords.test(text))
    return codes.DATABASE_UNREACHABLE;
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
