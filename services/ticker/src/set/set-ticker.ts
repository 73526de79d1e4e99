// The ticker of a set: leads or stands by; as leader it ticks and maintains the triggers.
import { leadOrStandby, type Service, ServiceGroup } from '@millrace/lifecycle';
import { type SessionLease, tryLead } from '@millrace/postgres';
import { lastTick, onToken, tick } from '@millrace/provider';
import type { SetTickerOptions } from '../config.ts';
import { prepared, requiresNewSession, tickerLead } from '../session.ts';
import { Notices } from './notices.ts';
import { tickLoop } from './tick-loop.ts';
import { triggerLoop } from './trigger-loop.ts';
import { TriggerSession } from './trigger-session.ts';

/** Makes the service; it needs no database or bus to start and waits for both. */
export function makeSetTicker(options: SetTickerOptions): Service {
  const { queue, providerUrl, idleMs, standbyMs } = options;
  const lead = tickerLead({
    url: providerUrl,
    what: 'the leadership of the ticker',
    pauseMs: Math.max(idleMs, standbyMs),
    lock: (client) => tryLead(client, `ticker:${queue}`),
  });
  return leadOrStandby<SessionLease>({
    name: 'ticker',
    tryLead: () => lead.tryLead(),
    work: (lease) => leaderWork(options, lease),
    onStopped: () => lead.close(),
    pollMs: standbyMs,
  });
}

function leaderWork(options: SetTickerOptions, { client, abandon }: SessionLease): Service {
  const { queue, providerUrl, activeMs, idleMs, busUrl, keyring } = options;
  const notices = new Notices({ queue, keyring, busUrl });
  const session = prepared(client);
  const ticking = tickLoop({
    activeMs,
    idleMs,
    tick: () => tick(session, queue),
    newest: async () => (await lastTick(session, queue))?.tick ?? null,
    pulse: (newest, ageMs) => notices.pulse(newest, ageMs),
    announce: (made) => notices.send(made),
    onFailed: (error) => {
      // The other loop writes the report; a fault must not wait for its next pass.
      keeping.wake();
      if (requiresNewSession(error)) abandon();
    },
  });
  // A session that fails here fails in the loops too.
  onToken(client, queue, () => ticking.wake()).catch(() => {});
  const triggers = new TriggerSession({ queue, providerUrl, fault: () => ticking.state?.fault });
  const keeping = triggerLoop(triggers, options.triggersMs);
  const work = new ServiceGroup([ticking, keeping]);
  const all = new ServiceGroup([notices.loop, work]);
  return { start: () => all.start(), stop: () => all.stop(), ready: () => work.ready() };
}
