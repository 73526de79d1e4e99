// The messages of one copy's subject. What is not of this copy is logged and passed over.
import { addAbortListener } from 'node:events';
import { type Bus, openReader } from '@millrace/bus';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { Logger } from '@millrace/telemetry';
import { type CopyHeader, copyStreamName, copySubject, decodeMessage, type Message } from '@millrace/wire';

export interface CopyMessagesOptions {
  readonly bus: Bus;
  readonly queue: string;
  readonly provider: string;
  readonly table: TableName;
  readonly copyId: number;
  readonly log: Logger;
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
      if (item.kind === 'message') yield decodeCopy(item.data, options);
    }
  } finally {
    listening[Symbol.dispose]();
    reader.close();
  }
}

function decodeCopy(data: Buffer, options: CopyMessagesOptions): Message<CopyHeader> | undefined {
  const { queue, provider, copyId, table, log } = options;
  try {
    const { header, body } = decodeMessage(data);
    const isOurs =
      header.kind === 'copy' &&
      header.queue === queue &&
      header.provider === provider &&
      header.copy === copyId &&
      sameTable(header.table, table);
    if (isOurs) return { header, body };
    log.warn({ table: tableLabel(table) }, "a message on a copy's subject does not belong to it");
  } catch (error) {
    log.warn({ table: tableLabel(table), err: error }, "a damaged message on a copy's subject");
  }
  return undefined;
}
