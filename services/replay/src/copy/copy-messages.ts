// The messages of one copy's subject. What is not of this copy is logged and passed over.
import { addAbortListener } from 'node:events';
import { type Bus, type Delivered, openReader } from '@millrace/bus';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { RefusedMessage } from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import { type CopyHeader, copyStreamName, copySubject, type Keyring, type Message, readMessage } from '@millrace/wire';

export interface CopyMessagesOptions {
  readonly bus: Bus;
  readonly queue: string;
  readonly keyring: Keyring;
  readonly provider: string;
  readonly table: TableName;
  readonly copyId: number;
  readonly log: Logger;
  /** A message of others: not of the copy, and nothing of the copy is missing for it. */
  readonly onRefused: (refused: RefusedMessage, isForeign: boolean) => void;
}

/** All messages of the subject from its beginning, as they come, until the signal. Undefined: a damaged or foreign one. */
export async function* readCopy(
  options: CopyMessagesOptions,
  signal: AbortSignal,
): AsyncGenerator<Message<CopyHeader> | undefined> {
  const { bus, queue, copyId } = options;
  const reader = openReader(bus, { stream: copyStreamName(queue), subject: copySubject(queue, copyId) });
  const listening = addAbortListener(signal, () => reader.close());
  try {
    for await (const item of reader) {
      if (signal.aborted) return;
      const message = item.kind === 'message' ? decodeCopy(item, options) : 'foreign';
      if (message !== 'foreign') yield message;
    }
  } finally {
    listening[Symbol.dispose]();
    reader.close();
  }
}

function decodeCopy(
  { subject, sequence, data, signature }: Delivered,
  options: CopyMessagesOptions,
): Message<CopyHeader> | 'foreign' | undefined {
  const { queue, provider, copyId, table, log, keyring, onRefused } = options;
  // A chunk says itself where it belongs, so that it may stand anywhere.
  const read = readMessage(keyring, { subject, data, signature, sequence: undefined });
  if (read.kind === 'refused' && read.isForeign) {
    onRefused({ subject, sequence, bytes: data.length, reason: read.reason }, true);
    return 'foreign';
  }
  if (read.kind === 'refused') {
    log.warn({ table: tableLabel(table), reason: read.reason }, "a damaged message on a copy's subject");
    return undefined;
  }
  const { header, body } = read.message;
  const isOurs =
    header.kind === 'copy' &&
    header.queue === queue &&
    header.provider === provider &&
    header.copy === copyId &&
    sameTable(header.table, table);
  if (isOurs) return { header, body };
  log.warn({ table: tableLabel(table) }, "a message on a copy's subject does not belong to it");
  return undefined;
}
