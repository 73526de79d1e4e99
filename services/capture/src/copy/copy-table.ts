// One attempt at copying one table: the table as of a pinned tick, chunk by chunk, no faster than it is taken.
import { MillraceError } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import {
  applySettings,
  databaseError,
  dropSession,
  type PgClient,
  pinSettings,
  statementError,
} from '@millrace/postgres';
import { type CopyProgress, pinTick, planTableCopy } from '@millrace/provider';
import type { CaptureOptions } from '../config.ts';
import { openSession } from '../session/provider-session.ts';
import { CopyOutput, type CopyTask } from './copy-output.ts';
import { CopySender } from './copy-sender.ts';
import { TableReaders } from './table-readers.ts';
import { TakerWindow } from './taker-window.ts';

/** A bus that is away for this time aborts the copy, ms. */
const busTimeoutMs = 120_000;

/** Sends the table. Gives what was sent; throws when it was aborted and must be sent again from the beginning. */
export async function copyTable(options: CaptureOptions, task: CopyTask): Promise<CopyProgress> {
  const { request, signal, bus } = task;
  const { queue, copyId } = request;
  const sessions: PgClient[] = [];
  const dropAll = () => sessions.forEach(dropSession);
  const open = async () => {
    const client = await openCopySession(options.providerUrl);
    sessions.push(client);
    if (signal.aborted) dropSession(client);
    return client;
  };
  signal.addEventListener('abort', dropAll, { once: true });
  const sender = new CopySender({ bus, queue, keyring: options.keyring, copyId, timeoutMs: busTimeoutMs, signal });
  try {
    return await pinAndSend(options, task, { sender, open });
  } catch (error) {
    throw named(error, tableLabel(request.table));
  } finally {
    signal.removeEventListener('abort', dropAll);
    sender.close();
    // After a failure a session may be in the middle of the table.
    dropAll();
  }
}

async function pinAndSend(
  options: CaptureOptions,
  task: CopyTask,
  { sender, open }: { sender: CopySender; open: () => Promise<PgClient> },
): Promise<CopyProgress> {
  const { reports, request, takers } = task;
  const { copyTimeoutMs: timeoutMs, copyReaders: readers, copyPartPages: partPages } = options;
  const pinned = await pinTick(open, request.queue, [request.table]);
  const table = { pinned, plan: await planTableCopy(pinned.client, request.table) };
  const output = new CopyOutput(task, table, sender, new TakerWindow({ reports, request, takers, timeoutMs }));
  const sent = await new TableReaders(table, output, { readers, partPages, open }).run();
  await pinned.release();
  return sent;
}

/** Says which table, whoever failed. */
function named(error: unknown, table: string): MillraceError {
  const known = databaseError(error, `copying ${table}`);
  if (known.message.includes(table)) return known;
  const { code, advice, sqlstate } = known;
  const more = {
    cause: error,
    ...(advice === undefined ? {} : { advice }),
    ...(sqlstate === undefined ? {} : { sqlstate }),
  };
  return new MillraceError(code, `copying ${table}: ${known.message}`, more);
}

async function openCopySession(url: string): Promise<PgClient> {
  const client = await openSession(url, { applicationName: 'millrace capture copy' });
  try {
    await pinSettings(client);
    // Row security that hides rows must be an error, not a smaller copy.
    await applySettings(client, { row_security: 'off' });
    return client;
  } catch (error) {
    dropSession(client);
    throw statementError(error, 'opening a session for a copy');
  }
}
