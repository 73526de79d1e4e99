import type { Stored } from '@millrace/bus';
import { type BatchHeader, decodeMessage } from '@millrace/wire';
import { badMessages } from '../metrics.ts';

/** The header of a message that is a batch of this queue; undefined, and counted, when it is not. */
export function readBatchHeader(message: Stored, queue: string): BatchHeader | undefined {
  try {
    const { header } = decodeMessage(message.data);
    if (header.kind === 'batch' && header.queue === queue) return header;
  } catch {
    // Counted below; the receivers set it aside as well.
  }
  badMessages.add(1);
  return undefined;
}
