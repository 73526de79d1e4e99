// The stream of copies: one subject for each copy, in a stream of its own, so that copies never discard batches.
import { type Bus, ensureStream, firstMessage, purgeSubject } from '@millrace/bus';
import { type CopyHeader, copyStreamName, copySubject, decodeMessage } from '@millrace/wire';

/** Makes the stream, or restores its settings. */
export async function ensureCopyStream(bus: Bus, queue: string, maxBytes: number): Promise<void> {
  // One level only: a stream of another queue can never share these subjects.
  const subjects = [copySubject(queue, 0).replace(/0$/, '>')];
  await ensureStream(bus, { name: copyStreamName(queue), subjects, maxBytes });
}

/** Deletes the chunks of a copy. */
export async function purgeCopy(bus: Bus, queue: string, copyId: number): Promise<void> {
  await purgeSubject(bus, copyStreamName(queue), copySubject(queue, copyId));
}

/** The header of the first chunk of a copy that the stream holds; undefined when there is none or it is damaged. */
export async function firstChunk(bus: Bus, queue: string, copyId: number): Promise<CopyHeader | undefined> {
  const first = await firstMessage(bus, copyStreamName(queue), copySubject(queue, copyId));
  if (first === undefined) return undefined;
  try {
    const { header } = decodeMessage(first.data);
    return header.kind === 'copy' ? header : undefined;
  } catch {
    return undefined;
  }
}
