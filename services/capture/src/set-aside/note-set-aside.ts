import { tableLabel } from '@millrace/model';
import { disconnect } from '@millrace/postgres';
import { type Interval, recordSetAside } from '@millrace/provider';
import { logger } from '@millrace/telemetry';
import type { ProviderQueue } from '../config.ts';
import { setAsideEvents } from '../metrics.ts';
import { openSession } from '../session/provider-session.ts';
import { type DamagedEvent, tablesOf } from './event-check.ts';

const log = logger('capture');

/**
 * Says of which tables events cannot be read, before the batch goes without them: the tables have a problem then, which status
 * and doctor show and for which `wait` does not end well. On a session of its own: the other one reads.
 */
export async function noteSetAside(
  source: ProviderQueue,
  interval: Interval,
  damaged: readonly DamagedEvent[],
): Promise<void> {
  const { tables, unknown } = tablesOf(damaged);
  const client = await openSession(source.providerUrl, { applicationName: 'millrace capture notes' });
  try {
    await recordSetAside(client, source.queue, unknown ? null : tables);
  } finally {
    await disconnect(client);
  }
  setAsideEvents.add(damaged.length);
  const names = unknown ? 'unknown tables' : tables.map(tableLabel).join(', ');
  log.error(
    { tick: interval.tick.tick, events: damaged.length, first: damaged[0]?.id },
    `events of ${names} in the queue cannot be read and are set aside: subscribers may differ; see \`millrace doctor\``,
  );
}
