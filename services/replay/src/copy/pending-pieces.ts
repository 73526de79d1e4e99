import { connect, disconnect } from '@millrace/postgres';
import { endWithSignal, readPending, type SubscribedTable } from '@millrace/subscriber';
import type { Piece } from '../apply/plan/piece.ts';

export interface PendingSource {
  readonly url: string;
  readonly queue: string;
  readonly signal: AbortSignal;
}

const applicationName = 'millrace replay pending';
/** What the session does at a stop may take this much longer, ms. */
const stopGraceMs = 1000;

/**
 * The changes of a table that were stored during its copy, in order, up to a tick. On a session of its own: the applying one is
 * busy with COPY. They are committed, and only the caller removes them.
 */
export async function* pendingPieces(
  { url, queue, signal }: PendingSource,
  table: SubscribedTable,
  upTo = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ piece: Piece }> {
  const client = await connect(url, { applicationName });
  endWithSignal(client, { url, applicationName, signal, graceMs: stopGraceMs });
  try {
    for await (const piece of readPending(client, queue, table, table.copyTick ?? 0)) {
      if (piece.tick > upTo) return;
      const { form, columns, key, cont, n, lines } = piece;
      yield { piece: { form, columns, key, source: piece.source ?? undefined, cont, lines: n, body: lines } };
    }
  } finally {
    await disconnect(client);
  }
}
