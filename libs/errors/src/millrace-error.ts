import { textWithoutRows } from './server-error.ts';

/**
 * Every fault that a person may read has a stable code. The comment beside a code is its documentation:
 * what happened, and what is to be done.
 */
export const codes = {
  /** The command line is wrong. */
  USAGE: 'usage',
  /** The configuration is missing, unreadable, has an unknown key or a bad value. */
  CONFIG: 'config',
  /** A table, sequence, subscriber or queue named by a person does not exist. */
  NOT_FOUND: 'not-found',
  /** An object cannot be replicated in its present form (no key, wrong kind, deferrable key …). */
  NOT_REPLICABLE: 'not-replicable',
  /** The schema of Millrace is not installed in that database, or is of another version. */
  NOT_INSTALLED: 'not-installed',
  /** A database cannot be reached or ended our session; it is tried again. */
  DATABASE_UNREACHABLE: 'database-unreachable',
  /** The database refused a statement for a reason that passes (lock, deadlock, serialization, resources). */
  DATABASE_BUSY: 'database-busy',
  /** The database refused a statement for a reason that does not pass without help. */
  DATABASE_REFUSED: 'database-refused',
  /** A privilege is missing. */
  PERMISSION: 'permission',
  /** The bus cannot be reached, is full, or JetStream is off; it is tried again. */
  BUS_UNAVAILABLE: 'bus-unavailable',
  /** The bus refused what we are (credentials, permissions). */
  BUS_REFUSED: 'bus-refused',
  /** A message on the bus is not one of ours, damaged, or of an unknown version. It is set aside, never applied. */
  BAD_MESSAGE: 'bad-message',
  /** The provider's history is not the one the subscriber followed: restored from a backup, or a lost tail. */
  PROVIDER_HISTORY: 'provider-history',
  /** The subscriber's position does not fit what the bus and the provider have. */
  POSITION: 'position',
  /** Another process of the same service holds the lead. */
  NOT_LEADER: 'not-leader',
  /** The subscriber's table lacks something that a batch needs (table, column, key, privilege). */
  SUBSCRIBER_SCHEMA: 'subscriber-schema',
  /** A row could not be applied: an update or delete found no row, or an insert found one. */
  CONFLICT: 'conflict',
  /** A constraint at the subscriber refused a row. */
  CONSTRAINT: 'constraint',
  /** A value does not fit the subscriber's column. */
  BAD_VALUE: 'bad-value',
  /** A person was requested to confirm and refused. */
  CANCELLED: 'cancelled',
  /** An HTTP request lacks the token that changes need. */
  UNAUTHORIZED: 'unauthorized',
  /** An HTTP request comes from where it may not: another web page, an unknown host name, or no token is set. */
  FORBIDDEN: 'forbidden',
  /** Too many commands run over HTTP concurrently; to be tried later. */
  TOO_MANY: 'too-many',
  /** A request was not fulfilled in the time given. */
  TIMEOUT: 'timeout',
  /** A program that is needed (postgres, nats-server) is missing or failed. */
  PROGRAM: 'program',
  /** An internal error. */
  INTERNAL: 'internal',
} as const;

export type ErrorCode = (typeof codes)[keyof typeof codes];

/** What is to be done about an error: try again, or stop and say what a person has to do. */
export type ErrorVerdict = 'retry' | 'stop';

/** An error with a stable code, a sentence for people and, where we know it, what to do about it. Never holds row values. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly advice: string | undefined;
  /** SQLSTATE where a database spoke. */
  readonly sqlstate: string | undefined;

  constructor(code: ErrorCode, message: string, more: { advice?: string; cause?: unknown; sqlstate?: string } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'MillraceError';
    this.code = code;
    this.advice = more.advice;
    this.sqlstate = more.sqlstate;
  }

  /** The sentence an operator reads: what happened, then what to do. */
  get sentence(): string {
    return this.advice === undefined ? this.message : `${this.message}; ${this.advice}`;
  }
}

/** Gives any thrown thing a code; what is unknown to us is an internal error. */
export function toMillraceError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(codes.INTERNAL, textWithoutRows(error), { cause: error });
}
