import { disconnect } from '@millrace/postgres';
import { columnsStayed, type Interval, intervalShapes } from '@millrace/provider';
import type { ColumnNames } from '../batch/column-names.ts';
import { kindOf } from '../batch/section-kind.ts';
import type { ProviderQueue } from '../config.ts';
import { openSession } from '../session/provider-session.ts';

/** Completes the column names of an interval whose events are being read, on a session of its own. */
export async function learnNames(source: ProviderQueue, interval: Interval, names: ColumnNames): Promise<void> {
  const client = await openSession(source.providerUrl, { applicationName: 'millrace capture names' });
  try {
    // That nothing was altered is one cheap query; what was altered, a scan of all the events.
    if (!(await columnsStayed(client, source.queue, interval))) {
      for (const shape of await intervalShapes(client, interval)) {
        const kind = kindOf(shape, 'change');
        names.learn(kind, shape.whole || kind.columns.length > kind.key.length);
      }
    }
    names.complete();
  } finally {
    await disconnect(client);
  }
}
