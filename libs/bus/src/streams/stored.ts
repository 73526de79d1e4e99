import { apiCodeOf, apiCodes, busError } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { apiPrefix } from '../connection/jet-stream.ts';
import { signatureIn } from '../connection/signature-header.ts';

/** A message as it lies in a stream. */
export interface Stored {
  /** Place in the stream, from 1. */
  readonly sequence: number;
  readonly subject: string;
  readonly data: Buffer;
  readonly signature: string | undefined;
}

const requestTimeoutMs = 5000;

/** The newest message of a subject; undefined when there is none, or no stream. */
export async function lastMessage(bus: Bus, stream: string, subject: string): Promise<Stored | undefined> {
  return getMessage(bus, stream, { last_by_subj: subject });
}

/** The first message of a subject at or after a sequence. */
export async function messageFrom(
  bus: Bus,
  stream: string,
  from: { readonly subject: string; readonly sequence: number },
): Promise<Stored | undefined> {
  return getMessage(bus, stream, { seq: Math.max(1, from.sequence), next_by_subj: from.subject });
}

/** The message with exactly this sequence. */
export async function getBySequence(bus: Bus, stream: string, sequence: number): Promise<Stored | undefined> {
  return getMessage(bus, stream, { seq: sequence });
}

interface MessageQuery {
  readonly seq?: number;
  readonly last_by_subj?: string;
  readonly next_by_subj?: string;
}

interface MessageReply {
  readonly error?: { readonly err_code: number; readonly description: string };
  readonly message?: { readonly subject: string; readonly seq: number; readonly data?: string; readonly hdrs?: string };
}

/** Requested directly: the client library would decode a body of a megabyte character by character. */
async function getMessage(bus: Bus, stream: string, query: MessageQuery): Promise<Stored | undefined> {
  const doing = `reading from ${stream}`;
  let reply: MessageReply;
  try {
    const answer = await bus.connection.request(`${apiPrefix(bus)}.STREAM.MSG.GET.${stream}`, JSON.stringify(query), {
      timeout: requestTimeoutMs,
    });
    reply = JSON.parse(Buffer.from(answer.data).toString('utf8'));
  } catch (error) {
    throw busError(error, doing);
  }
  if (reply.error !== undefined) {
    const code = reply.error.err_code;
    if (code === apiCodes.noMessage || code === apiCodes.streamNotFound) return undefined;
    throw busError(new Error(`${reply.error.description} (${code})`), doing);
  }
  const { message } = reply;
  if (message === undefined) return undefined;
  return {
    sequence: message.seq,
    subject: message.subject,
    data: Buffer.from(message.data ?? '', 'base64'),
    signature: signatureIn(Buffer.from(message.hdrs ?? '', 'base64').toString('utf8')),
  };
}

/** Deletes all messages of a subject. Nothing happens when there is no stream. */
export async function purgeSubject(bus: Bus, stream: string, subject: string): Promise<void> {
  try {
    await bus.streams.streams.purge(stream, { filter: subject });
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return;
    throw busError(error, `purging ${subject}`);
  }
}
