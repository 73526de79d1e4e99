import { codes, MillraceError } from '@millrace/errors';

/** A place in a queue's history: the tick's number and the fingerprint that ties it to one history. */
export interface Position {
  readonly tick: number;
  /** 32 hexadecimal digits. */
  readonly fingerprint: string;
}

/** A tick with its time, ISO 8601 with microseconds, UTC. */
export interface Tick extends Position {
  readonly time: string;
}

export function isSameTick(a: Position, b: Position): boolean {
  return a.tick === b.tick && a.fingerprint === b.fingerprint;
}

/** An int8 from its text. Beyond 2^53 a number would lie, so it is refused. */
export function safeInteger(text: string | number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new MillraceError(codes.INTERNAL, `number out of range: ${text}`);
  return value;
}
