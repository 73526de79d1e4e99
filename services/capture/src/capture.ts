// Capture: leads or stands by; as leader it takes batches from the queue to the bus, copies tables, sends again what a
// subscriber lacks, and lets the queue go up to what all have applied.
import { BusConnection } from '@millrace/bus';
import { leadOrStandBy, type Service, ServiceGroup } from '@millrace/lifecycle';
import type { SessionLease } from '@millrace/postgres';
import { Backfills } from './backfill/backfill.ts';
import type { CaptureOptions } from './config.ts';
import { Copies } from './copy/copies.ts';
import { captureLead } from './lead.ts';
import { MainLine } from './publish/batch-publisher.ts';
import { Release } from './release/release.ts';
import { Reports } from './subscribers/reports.ts';
import { Shared } from './subscribers/shared.ts';

/** Makes the service; it needs no database or bus to start and waits for both. */
export function makeCapture(options: CaptureOptions): Service {
  const lead = captureLead(options);
  return leadOrStandBy<SessionLease>({
    name: 'capture',
    tryLead: () => lead.tryLead(),
    work: (lease) => leaderWork(options, lease),
    onStopped: () => lead.close(),
    pollMs: options.standbyMs,
  });
}

/** What the leader does. The loops know of each other only what is in `Shared`. */
function leaderWork(options: CaptureOptions, lease: SessionLease): Service {
  const shared = new Shared();
  const holder = new BusConnection({ name: 'millrace capture', url: options.busUrl, whileLost: 'throw' });
  const reports = new Reports(options.queue);
  const line = new MainLine(options, holder, shared);
  const backfills = new Backfills({ options, shared, reports, line });
  const fault = () => line.loop.state?.fault ?? copies.loop.state?.fault;
  const trouble = () => copies.fault();
  const onWish = () => {
    release.loop.wake();
    copies.loop.wake();
    line.loop.wake();
  };
  const release: Release = new Release({ options, lease, holder, shared, reports, backfills, fault, trouble, onWish });
  reports.onReport((name) => release.heard(name));
  const copies = new Copies({ options, holder, shared, reports });
  shared.onChange(() => line.loop.wake());
  const loops = new ServiceGroup([line.loop, release.loop, copies.loop]);
  return {
    start: () => loops.start(),
    stop: async () => {
      reports.stop();
      await Promise.all([loops.stop(), backfills.stop(), copies.stop()]);
      await holder.close();
    },
    ready: () => loops.ready(),
  };
}
