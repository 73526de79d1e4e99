import type { z } from 'zod';

/** Reads a message that is JSON as a whole (reports, notes, pulses); undefined for what is no such message. Never throws. */
export function decodeJson<S extends z.ZodType>(schema: S, data: Uint8Array): z.infer<S> | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
