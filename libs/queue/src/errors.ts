/**
 * Every fault has a stable code. The comment beside a code is its documentation: what happened, and what is to be done.
 */
export const queueCodes = {
  /** Options or arguments are wrong; the call did nothing. */
  USAGE: 'usage',
  /** A payload does not fit the queue's schema, or cannot be written as JSON; nothing was sent. */
  BAD_PAYLOAD: 'bad-payload',
  /** The queue, the consumer or a tick is not there. */
  NOT_FOUND: 'not-found',
  /** The database lacks schema pgq, pgq_coop or pgq_ext, or a function of it. */
  NOT_INSTALLED: 'not-installed',
  /** A privilege is missing (pgq_writer sends, pgq_reader consumes, pgq_admin manages). */
  PERMISSION: 'permission',
  /** An event is to be set aside, but the queue `NAME.dead` is not there; the batch stays open. */
  NO_DEAD_LETTER_QUEUE: 'no-dead-letter-queue',
  /** Another process has finished or taken over the batch, or the position was moved; what was done with it is rolled back. */
  BATCH_LOST: 'batch-lost',
  /** The session has ended, or the server cannot be reached. */
  CONNECTION_LOST: 'connection-lost',
  /** The database refused for a reason that passes (lock, deadlock, serialization, resources). */
  DATABASE_BUSY: 'database-busy',
  /** The database refused for a reason that does not pass without a change. */
  DATABASE_REFUSED: 'database-refused',
} as const;

export type QueueErrorCode = (typeof queueCodes)[keyof typeof queueCodes];

/** An error with a stable code, a sentence, and, where we know it, what to do about it. Never holds payloads. */
export class QueueError extends Error {
  readonly code: QueueErrorCode;
  readonly advice: string | undefined;
  /** SQLSTATE where the database spoke. */
  readonly sqlstate: string | undefined;

  constructor(
    code: QueueErrorCode,
    message: string,
    more: { advice?: string; cause?: unknown; sqlstate?: string } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'QueueError';
    this.code = code;
    this.advice = more.advice;
    this.sqlstate = more.sqlstate;
  }

  /** Whether the same call may well succeed a moment later. */
  get passes(): boolean {
    const { CONNECTION_LOST, DATABASE_BUSY, BATCH_LOST } = queueCodes;
    return ([CONNECTION_LOST, DATABASE_BUSY, BATCH_LOST] as QueueErrorCode[]).includes(this.code);
  }
}

const lostStates = /^(08...|57P0[1-5]|53300|25P0[34])$/;
const busyStates = /^(40001|40P01|40003|55P03|55006|57014|25006|53...|58...)$/;
const lostWords =
  /Connection terminated|timeout expired|Query read timeout|not queryable|connection error|hang up|closed/i;
const missing =
  /^(No such (event )?queue|Not subscriber to queue|Event queue not (created yet|found)|consumer not registered|cannot reposition)/i;

/** Gives an error of the driver or server a QueueError code. `doing` says what was tried: "sending to queue mail". */
export function asQueueError(error: unknown, doing: string): QueueError {
  if (error instanceof QueueError) return error;
  const { code = '', syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  const text = error instanceof Error ? error.message : String(error);
  const sqlstate = /^[0-9A-Z]{5}$/.test(String(code)) && syscall === undefined ? String(code) : undefined;
  const { code: ours, advice } =
    sqlstate === undefined ? driverFault(text, syscall, code) : serverFault(sqlstate, text);
  return new QueueError(ours, `${doing}: ${text || String(code) || 'no answer'}`, {
    cause: error,
    ...(advice === undefined ? {} : { advice }),
    ...(sqlstate === undefined ? {} : { sqlstate }),
  });
}

interface Fault {
  readonly code: QueueErrorCode;
  readonly advice?: string;
}

function driverFault(text: string, syscall: unknown, code: unknown): Fault {
  const lost = syscall !== undefined || /^E[A-Z_]+$/.test(String(code)) || lostWords.test(text);
  return { code: lost ? queueCodes.CONNECTION_LOST : queueCodes.DATABASE_REFUSED };
}

function serverFault(sqlstate: string, text: string): Fault {
  if (lostStates.test(sqlstate)) return { code: queueCodes.CONNECTION_LOST };
  if (busyStates.test(sqlstate)) return { code: queueCodes.DATABASE_BUSY };
  if (/^(28...|42501)$/.test(sqlstate)) {
    const advice = 'grant pgq_writer to those who send, pgq_reader to those who consume, pgq_admin to those who manage';
    return { code: queueCodes.PERMISSION, advice };
  }
  if (/^(3F000|42883|42P01)$/.test(sqlstate) && /pgq/.test(text)) {
    return {
      code: queueCodes.NOT_INSTALLED,
      advice: 'run millrace install, or CREATE EXTENSION pgq (pgq_coop, pgq_ext)',
    };
  }
  // An event to be put off was read from the batch: not to be in it any more means that the batch is not open.
  if (/^(batch|event) not found/i.test(text)) return { code: queueCodes.BATCH_LOST };
  if (missing.test(text)) {
    return { code: queueCodes.NOT_FOUND, advice: 'queue.create makes a queue, consumer.register a consumer' };
  }
  return { code: queueCodes.DATABASE_REFUSED };
}
