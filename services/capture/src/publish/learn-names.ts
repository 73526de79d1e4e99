import { disconnect } from '@millrace/postgres';
import { columnsStayed, type Interval, type IntervalShape, intervalShapes } from '@millrace/provider';
import type { ColumnNames } from '../batch/column-names.ts';
import { kindOf, type SectionKind } from '../batch/section-kind.ts';
import type { ProviderQueue } from '../config.ts';
import { openSession } from '../session/provider-session.ts';

/** Undefined: an event that is set aside. */
function readableKind(shape: IntervalShape): SectionKind | undefined {
  try {
    return kindOf(shape, 'change');
  } catch {
    return undefined;
  }
}

/** Completes the column names of an interval whose events are being read, on a session of its own. */
export async function learnNames(source: ProviderQueue, interval: Interval, names: ColumnNames): Promise<void> {
  const client = await openSession(source.providerUrl, { applicationName: 'millrace capture names' });
  try {
    // That nothing was altered is one cheap query; what was altered, a scan of all the events.
    if (!(await columnsStayed(client, source.queue, interval))) {
      for (const shape of await intervalShapes(client, interval)) {
        const kind = readableKind(shape);
        if (kind !== undefined) names.learn(kind, shape.whole || kind.columns.length > kind.key.length);
      }
    }
    names.complete();
  } finally {
    await disconnect(client);
  }
}
