// Payloads are JSON text in ev_data. Integers beyond 2^53 are bigint on both sides, never a rounded number.
import { QueueError, queueCodes } from '../errors.ts';

const raw = JSON as typeof JSON & { rawJSON(text: string): unknown };
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** JSON text of a value. Throws BAD_PAYLOAD for what JSON cannot hold. */
export function writeJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? raw.rawJSON(String(one)) : one));
  } catch (error) {
    throw new QueueError(queueCodes.BAD_PAYLOAD, 'the payload cannot be written as JSON', { cause: error });
  }
  if (text === undefined) throw new QueueError(queueCodes.BAD_PAYLOAD, 'the payload cannot be written as JSON');
  return text;
}

/** Throws SyntaxError. */
export function readJson(text: string): unknown {
  // Only a text with seventeen digits in a row can hold an integer that a number rounds.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return parseWithSource(text, (_key, value, { source }) => {
    const unsafe = typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value);
    return unsafe && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}
