// Capture: leader or standby. The leader publishes batches from the queue, copies tables, sends again what a subscriber
// lacks, and releases the queue up to what all have applied.
import { BusConnection } from '@millrace/bus';
import { leadOrStandby, type Service, ServiceGroup } from '@millrace/lifecycle';
import type { SessionLease } from '@millrace/postgres';
import { inboxPrefix } from '@millrace/wire';
import { Backfills } from './backfill/backfills.ts';
import type { CaptureOptions } from './config.ts';
import { Copies } from './copy/copies.ts';
import { BatchPublisher } from './publish/batch-publisher.ts';
import { StreamProgress } from './publish/stream-progress.ts';
import { Release } from './release/release.ts';
import { captureLead } from './session/capture-lead.ts';
import { DesiredState } from './subscribers/desired-state.ts';
import { ForeignMessages } from './subscribers/foreign-messages.ts';
import { Reports } from './subscribers/reports.ts';
import { Roster } from './subscribers/roster.ts';

/** Makes the service; it needs no database or bus to start and waits for both. */
export function makeCapture(options: CaptureOptions): Service {
  const lead = captureLead(options);
  return leadOrStandby<SessionLease>({
    name: 'capture',
    tryLead: () => lead.tryLead(),
    work: (lease) => leaderWork(options, lease),
    onStopped: () => lead.close(),
    pollMs: options.standbyMs,
  });
}

/** What the leader does: first what the loops know together, then the loops. Each wakes itself when that changes. */
function leaderWork(options: CaptureOptions, lease: SessionLease): Service {
  const bus = new BusConnection({
    name: 'millrace capture',
    url: options.busUrl,
    whileLost: 'throw',
    inboxPrefix: inboxPrefix(options.queue, 'capture'),
  });
  const desiredState = new DesiredState(options.queue);
  const roster = new Roster();
  const foreign = new ForeignMessages();
  const reports = new Reports(options, { connection: bus, foreign });
  const progress = new StreamProgress();

  const publisher = new BatchPublisher({ options, desiredState, roster, progress, foreign }, bus);
  const copies = new Copies({ options, desiredState, roster, reports }, bus);
  const backfills = new Backfills({ options, reports, progress });
  const context = { options, desiredState, roster, reports, progress, foreign };
  const release = new Release(context, lease, { publisher, copies, backfills });

  const loops = new ServiceGroup([publisher.loop, release.loop, copies.loop]);
  return {
    start: () => loops.start(),
    stop: async () => {
      reports.stop();
      await Promise.all([loops.stop(), backfills.stop(), copies.stop()]);
      await bus.close();
    },
    ready: () => loops.ready(),
  };
}
