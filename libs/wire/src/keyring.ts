// Signatures of messages: HMAC-SHA-256 with keys that are derived from the configured one, a key for each author.
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { codes, MillraceError } from '@millrace/errors';
import { busToken } from '@millrace/model';

/** The configured keys: the first signs, all are accepted. Without any, nothing is signed and all is accepted. */
export interface KeyringOptions {
  readonly keys: readonly string[];
  /** Messages without any signature are accepted as well. */
  readonly acceptUnsigned: boolean;
}

/**
 * Whose a message is. The provider's side writes batches, copies, notes, tick notices and pulses; a subscriber its reports. Who
 * has only the keys of one author cannot write as another one.
 */
export type Author = 'provider' | { readonly subscriber: string };

/** What is signed of a message. */
export interface SignedMessage {
  readonly author: Author;
  /** Of the bus: it holds the kind of the message, the queue, and the subscriber where it is for one. */
  readonly subject: string;
  /** What is signed of it; see `signedPart`. */
  readonly content: Uint8Array | string;
  /**
   * Stands in the signature. Of a message in the stream of batches: its sequence there. Of notices, reports and notes: the
   * time of the signing, which increases. 0: of the chunks of a copy, which say all in their headers.
   */
  readonly stamp: number;
}

/** `stamp` undefined: it is not signed, and that is accepted. */
export type Verification =
  | { readonly isTrusted: true; readonly stamp: number | undefined }
  | { readonly isTrusted: false; readonly reason: string };

/** The keys that one subscriber's host needs, as one text: it may then write as this subscriber only. */
const hostKey = /^millrace-host-1\.([A-Za-z0-9_-]{1,63})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
const version = '1';
const keyBytes = 32;
const signature = /^1;(\d{1,16});([A-Za-z0-9_-]{43})$/;

const notSigned = 'not signed by us';

/** The keys of one queue. Holds secrets: never log it. */
export class Keyring {
  readonly #queue: string;
  readonly #secrets: readonly string[];
  readonly #acceptsUnsigned: boolean;
  readonly #derived = new Map<string, readonly (Buffer | undefined)[]>();
  #lastStamp = 0;

  constructor(queue: string, { keys, acceptUnsigned }: KeyringOptions) {
    this.#queue = queue;
    this.#secrets = keys;
    this.#acceptsUnsigned = acceptUnsigned;
  }

  /** False: nothing is signed, and everything is accepted. */
  get isOn(): boolean {
    return this.#secrets.length > 0;
  }

  /** True: there is a key, and messages without any signature are taken nevertheless. */
  get acceptsUnsigned(): boolean {
    return this.isOn && this.#acceptsUnsigned;
  }

  /** A time for a signature, ms: later than all before it. */
  nextStamp(): number {
    this.#lastStamp = Math.max(Date.now(), this.#lastStamp + 1);
    return this.#lastStamp;
  }

  /** The signature; undefined without a key. Throws CONFIG when this host has no key to write as that author. */
  sign(message: SignedMessage): string | undefined {
    if (!this.isOn) return undefined;
    const key = this.#keysOf(message.author).find((one) => one !== undefined);
    if (key === undefined) throw cannotSign(message.author);
    return `${version};${message.stamp};${macOf(key, message).toString('base64url')}`;
  }

  /** Judges a signature. `message.stamp` is not used: the signature has it. */
  verify(message: Omit<SignedMessage, 'stamp'>, text: string | undefined): Verification {
    if (!this.isOn) return { isTrusted: true, stamp: undefined };
    if (text === undefined) {
      if (this.#acceptsUnsigned) return { isTrusted: true, stamp: undefined };
      return { isTrusted: false, reason: `${notSigned}: it has no signature` };
    }
    const [, digits = '', mac = ''] = signature.exec(text) ?? [];
    const stamp = Number(digits);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== keyBytes || !Number.isSafeInteger(stamp))
      return { isTrusted: false, reason: `${notSigned}: what it has for a signature is none` };
    const isOurs = (key: Buffer | undefined) =>
      key !== undefined && timingSafeEqual(macOf(key, { ...message, stamp }), given);
    if (this.#keysOf(message.author).some(isOurs)) return { isTrusted: true, stamp };
    return { isTrusted: false, reason: `${notSigned}: its signature is of another key, place or content` };
  }

  /** What the host of one subscriber needs instead of the keys, newest first. Throws CONFIG on such a host, and without a key. */
  hostKeys(subscriber: string): string[] {
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(subscriber)) {
      throw new MillraceError(codes.USAGE, `${JSON.stringify(subscriber)} cannot be the name of a subscriber`);
    }
    if (!this.isOn || this.#secrets.some((secret) => hostKey.test(secret))) {
      throw new MillraceError(codes.CONFIG, 'the keys of a host can be made only where bus.key is the key itself');
    }
    const [provider, own] = [this.#keysOf('provider'), this.#keysOf({ subscriber })];
    const text = (key: Buffer | undefined) => key?.toString('base64url') ?? '';
    return this.#secrets.map((_, at) => `millrace-host-1.${subscriber}.${text(provider[at])}.${text(own[at])}`);
  }

  #keysOf(author: Author): readonly (Buffer | undefined)[] {
    const name = author === 'provider' ? author : `subscriber/${author.subscriber}`;
    let keys = this.#derived.get(name);
    if (keys === undefined) {
      keys = this.#secrets.map((secret) =>
        derive(secret, author, `millrace/${version}/${busToken(this.#queue)}/${name}`),
      );
      this.#derived.set(name, keys);
    }
    return keys;
  }
}

/** The key of an author; undefined when the secret is that of a host that has it not. */
function derive(secret: string, author: Author, purpose: string): Buffer | undefined {
  const [, subscriber, provider = '', own = ''] = hostKey.exec(secret) ?? [];
  if (subscriber === undefined) return Buffer.from(hkdfSync('sha256', secret, '', purpose, keyBytes));
  if (author === 'provider') return Buffer.from(provider, 'base64url');
  return author.subscriber === subscriber ? Buffer.from(own, 'base64url') : undefined;
}

function macOf(key: Buffer, { subject, stamp, content }: Omit<SignedMessage, 'author'>): Buffer {
  return createHmac('sha256', key).update(`${version}\n${subject}\n${stamp}\n`).update(content).digest();
}

function cannotSign(author: Author): MillraceError {
  const whom = author === 'provider' ? "the provider's side" : `the subscriber ${author.subscriber}`;
  return new MillraceError(codes.CONFIG, `bus.key of this host does not sign for ${whom}`, {
    advice: 'run it where bus.key is the key itself, or make the key of this host with `millrace bus key NAME`',
  });
}
