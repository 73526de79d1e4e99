// The ticker of one database's queues that carry no tables: leads or stands by; as leader it ticks each by its own rule, and
// maintains all queues of the database, those of sets as well. Failures are isolated by database.
import { leadOrStandby, type Service, ServiceGroup } from '@millrace/lifecycle';
import type { SessionLease } from '@millrace/postgres';
import { leadQueues } from '@millrace/provider';
import type { DatabaseTickerOptions } from '../config.ts';
import { requiresNewSession, tickerLead } from '../session.ts';
import { maintenanceLoop } from './maintenance.ts';
import { Counts } from './queue-counts.ts';
import { queueLoop } from './queue-loop.ts';

/** Makes the service of one database; it waits for it, and for schema pgq in it, which it never makes. */
export function makeDatabaseTicker(options: DatabaseTickerOptions): Service {
  const { database, url, queuesMs, standbyMs } = options;
  const lead = tickerLead({
    url,
    what: `the leadership of the queues of ${labelOf(database)}`,
    pauseMs: Math.max(queuesMs, standbyMs),
    lock: leadQueues,
  });
  return leadOrStandby<SessionLease>({
    name: `ticker of ${labelOf(database)}`,
    tryLead: () => lead.tryLead(),
    work: (lease) => leaderWork(options, lease),
    onStopped: () => lead.close(),
    pollMs: standbyMs,
  });
}

function leaderWork(options: DatabaseTickerOptions, { client, abandon }: SessionLease): Service {
  const { database, queuesMs } = options;
  const counts = new Counts(database);
  const ticking = queueLoop({
    client,
    database,
    label: labelOf(database),
    pauseMs: queuesMs,
    counts,
    onFailed: (error) => {
      if (requiresNewSession(error)) abandon();
    },
  });
  return new ServiceGroup([ticking, maintenanceLoop({ ...options, label: labelOf(database), counts })]);
}

function labelOf(database: string): string {
  return database === 'provider' ? 'the provider' : `database ${database}`;
}
