import { createHash, hash } from 'node:crypto';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import type { Keyring } from './keyring.ts';
import { type BatchHeader, batchHeader, type CopyHeader, copyHeader } from './messages-v1.ts';

/**
 * A message on the bus: four bytes of length (big endian), the header as JSON, the body unchanged.
 * The body is bytes for COPY and is never decoded to a string, so any encoding and any size passes.
 */
export interface Message<H = BatchHeader | CopyHeader> {
  readonly header: H;
  readonly body: Buffer;
}

/** Headers hold names only, and chunks are of about 1 MB; what is larger is damaged. */
const maxHeaderBytes = 8 * 1024 * 1024;
const maxMessageBytes = 16 * 1024 * 1024;

/** One buffer to publish. `parts` are the body's pieces in order; their digest must already be in the header. */
export function encodeMessage(header: BatchHeader | CopyHeader, parts: readonly Buffer[]): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, ...parts]);
}

/** A message as it came from a stream. */
export interface Received {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly signature: string | undefined;
  /** Of the stream of batches: where it stood. Undefined: of a stream in which that does not matter. */
  readonly sequence: number | undefined;
}

/** A message, or why it is none. `isForeign`: nobody who has our key wrote it, or not for this place. */
export type Read =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'refused'; readonly isForeign: boolean; readonly reason: string };

/** Judges the signature, before anything else of the message is read, then reads and checks it. Never throws. */
export function readMessage(keyring: Keyring, received: Received): Read {
  const { subject, data, signature, sequence } = received;
  const content = signedPart(data);
  const verified = keyring.verify({ author: 'provider', subject, content }, signature);
  if (!verified.isTrusted) return { kind: 'refused', isForeign: true, reason: verified.reason };
  if (verified.stamp !== undefined && sequence !== undefined && verified.stamp !== sequence) {
    const reason = `not signed by us for this place: it was message ${verified.stamp} and is here again`;
    return { kind: 'refused', isForeign: true, reason };
  }
  try {
    return { kind: 'message', message: decodeMessage(data) };
  } catch (error) {
    return { kind: 'refused', isForeign: false, reason: toMillraceError(error).message };
  }
}

/** The signature of a message of the provider's side; undefined without a key. `sequence` as in `Received`. */
export function signMessage(
  keyring: Keyring,
  { subject, data, sequence }: Pick<Received, 'subject' | 'data' | 'sequence'>,
): string | undefined {
  if (!keyring.isOn) return undefined;
  return keyring.sign({ author: 'provider', subject, content: signedPart(data), stamp: sequence ?? 0 });
}

/** What is signed of a message: length and header. The header has the digest of the body, and so stands for it as well. */
function signedPart(data: Uint8Array): Uint8Array {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes.length < 4 ? bytes : bytes.subarray(0, 4 + bytes.readUInt32BE(0));
}

/** Digest of the pieces as one body, hexadecimal. */
export function sha256Hex(parts: readonly (Buffer | string)[]): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'hex');
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
}

/** Reads and checks a message. Throws BAD_MESSAGE with the reason, which names no values. */
export function decodeMessage(data: Uint8Array): Message {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < 4) throw bad('shorter than its length field');
  if (bytes.length > maxMessageBytes) throw bad('larger than any of ours');
  const headerLength = bytes.readUInt32BE(0);
  if (headerLength > maxHeaderBytes || headerLength > bytes.length - 4) throw bad('header length beyond the message');
  const body = bytes.subarray(4 + headerLength);
  const header = parseHeader(bytes.toString('utf8', 4, 4 + headerLength));
  if (sha256Hex([body]) !== header.sha256) throw bad('body does not match its digest');
  if (header.kind === 'batch') checkSections(header, body.length);
  else if (header.bytes !== body.length) throw bad('body has another length than announced');
  return { header, body };
}

function parseHeader(text: string): BatchHeader | CopyHeader {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad('header is not JSON');
  }
  const kind = typeof json === 'object' && json !== null && 'kind' in json ? json.kind : undefined;
  const version = typeof json === 'object' && json !== null && 'v' in json ? json.v : undefined;
  if (version !== 1) throw bad('unknown version');
  const schema = kind === 'batch' ? batchHeader : kind === 'copy' ? copyHeader : undefined;
  if (schema === undefined) throw bad('unknown kind');
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bad(`header field ${issue?.path.join('.') ?? '?'}: ${issue?.code ?? 'invalid'}`);
  }
  return parsed.data;
}

function checkSections(header: BatchHeader, bodyLength: number): void {
  let bytes = 0;
  let lines = 0;
  for (const section of header.sections) {
    bytes += section.bytes;
    lines += section.lines;
    if (section.form !== 'truncate' && section.lines > section.bytes)
      throw bad('a section holds fewer lines than announced');
  }
  if (bytes !== bodyLength) throw bad('sections do not add up to the body');
  if (lines !== header.lines) throw bad('sections do not add up to the lines');
  if (header.last !== (header.total !== undefined)) throw bad('totals belong to the last chunk');
}

function bad(reason: string): MillraceError {
  return new MillraceError(codes.BAD_MESSAGE, `message refused: ${reason}`);
}
