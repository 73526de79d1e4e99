// The stream of copies: one subject for each copy, in a stream of its own, so that copies never discard batches.
import { type Bus, ensureStream, messageFrom, purgeSubject } from '@millrace/bus';
import { type CopyHeader, copyStreamName, copySubject, type Keyring, readMessage } from '@millrace/wire';

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

/** Messages of others that are passed over before the first chunk. */
const maxForeign = 1000;

/** The header of the first chunk of a copy that the stream holds; undefined when there is none or it is damaged. */
export async function firstChunk(
  bus: Bus,
  { queue, keyring }: { queue: string; keyring: Keyring },
  copyId: number,
): Promise<CopyHeader | undefined> {
  const subject = copySubject(queue, copyId);
  let sequence = 1;
  for (let foreign = 0; foreign < maxForeign; foreign += 1) {
    const stored = await messageFrom(bus, copyStreamName(queue), { subject, sequence });
    if (stored === undefined) return undefined;
    const read = readMessage(keyring, { ...stored, sequence: undefined });
    if (read.kind === 'message') return read.message.header.kind === 'copy' ? read.message.header : undefined;
    if (!read.isForeign) return undefined;
    sequence = stored.sequence + 1;
  }
  return undefined;
}
