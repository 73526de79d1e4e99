// Messages that are JSON as a whole: reports and notes in the bucket, notices of ticks and pulses.
import type { z } from 'zod';
import { decodeJson } from './decode-json.ts';
import type { Author, Keyring } from './keyring.ts';

/** Such a message as it came. */
export interface ReceivedJson {
  readonly author: Author;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly signature: string | undefined;
}

/** `stamp`: when it was signed; undefined: it is not signed, and that is accepted. `isForeign` as in `Read`. */
export type ReadJson<T> =
  | { readonly kind: 'message'; readonly message: T; readonly stamp: number | undefined }
  | { readonly kind: 'refused'; readonly isForeign: boolean; readonly reason: string };

/** Judges the signature, then reads the message. Never throws. */
export function readJson<S extends z.ZodType>(
  keyring: Keyring,
  schema: S,
  received: ReceivedJson,
): ReadJson<z.infer<S>> {
  const { author, subject, data, signature } = received;
  const verified = keyring.verify({ author, subject, content: data }, signature);
  if (!verified.isTrusted) return { kind: 'refused', isForeign: true, reason: verified.reason };
  const message = decodeJson(schema, data);
  if (message === undefined)
    return { kind: 'refused', isForeign: false, reason: 'it is no message of a known version' };
  return { kind: 'message', message, stamp: verified.stamp };
}

/** The signature of such a message; undefined without a key. */
export function signJson(keyring: Keyring, message: Pick<ReceivedJson, 'author' | 'subject'> & { text: string }) {
  const { author, subject, text } = message;
  if (!keyring.isOn) return undefined;
  return keyring.sign({ author, subject, content: text, stamp: keyring.nextStamp() });
}
