// What a queue's events hold: schemas by event type, one schema for all, or plain text.
import type { z } from 'zod';
import { QueueError, queueCodes } from '../errors.ts';
import { readJson, writeJson } from './json.ts';

export type Decoded =
  | { readonly ok: true; readonly payload: unknown }
  | { readonly ok: false; readonly unknownType: boolean; readonly reason: string };

/** From payload to ev_data and back. */
export interface Codec {
  /** Throws BAD_PAYLOAD. */
  encode(type: string, payload: unknown): string | null;
  decode(type: string | null, data: string | null): Decoded;
}

/** Payload is ev_data unchanged. */
export const textCodec: Codec = {
  encode(_type, payload) {
    if (payload === null || typeof payload === 'string') return payload;
    throw new QueueError(queueCodes.BAD_PAYLOAD, 'a queue without a schema takes text or null', {
      advice: 'give defineQueue a schema, or send JSON.stringify(…)',
    });
  },
  decode: (_type, data) => ({ ok: true, payload: data }),
};

/** JSON, checked by the schema that `schemaOf` names for the event's type. */
export function jsonCodec(schemaOf: (type: string | null) => z.ZodType | undefined): Codec {
  const decode: Codec['decode'] = (type, data) => {
    const schema = schemaOf(type);
    if (schema === undefined) {
      return {
        ok: false,
        unknownType: true,
        reason: `the queue's definition has no event type ${JSON.stringify(type)}`,
      };
    }
    return decodeJson(schema, data);
  };
  return {
    encode(type, payload) {
      const text = writeJson(payload);
      // What was written is checked, not what was given: the consumer will see no more than that.
      const seen = decode(type, text);
      if (seen.ok) return text;
      throw new QueueError(seen.unknownType ? queueCodes.USAGE : queueCodes.BAD_PAYLOAD, seen.reason);
    },
    decode,
  };
}

function decodeJson(schema: z.ZodType, data: string | null): Decoded {
  let value: unknown;
  try {
    value = readJson(data ?? 'null');
  } catch {
    return { ok: false, unknownType: false, reason: 'the payload is not JSON' };
  }
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, payload: result.data };
  const issues = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'payload'}: ${message}`);
  return { ok: false, unknownType: false, reason: `the payload does not fit its schema: ${issues.join('; ')}` };
}
