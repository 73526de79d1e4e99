import { createHash, hash } from 'node:crypto';
import { codes, MillraceError } from '@millrace/errors';
import { type BatchHeader, batchHeader, type CopyHeader, copyHeader } from './messages-v1.ts';

/**
 * A message on the bus: four bytes of length (big endian), the header as JSON, the body unchanged.
 * The body is bytes for COPY and is never decoded to a string, so any encoding and any size passes.
 */
export interface Message<H = BatchHeader | CopyHeader> {
  readonly header: H;
  readonly body: Buffer;
}

/** Headers hold names only; a larger one is damaged. */
const maxHeaderBytes = 64 * 1024 * 1024;

/** One buffer to publish. `parts` are the body's pieces in order; their digest must already be in the header. */
export function encodeMessage(header: BatchHeader | CopyHeader, parts: readonly Buffer[]): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, ...parts]);
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
  }
  if (bytes !== bodyLength) throw bad('sections do not add up to the body');
  if (lines !== header.lines) throw bad('sections do not add up to the lines');
  if (header.last !== (header.total !== undefined)) throw bad('totals belong to the last chunk');
}

function bad(reason: string): MillraceError {
  return new MillraceError(codes.BAD_MESSAGE, `message refused: ${reason}`);
}
