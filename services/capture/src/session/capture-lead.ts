// Capture's leadership: a session lock at the provider. A leader that was frozen may outlive it by a moment: what it writes is
// fenced by the stream's last sequence.
import { SessionLead, tryLead } from '@millrace/postgres';
import type { CaptureOptions } from '../config.ts';
import { openSession } from './provider-session.ts';

const answerMs = 12_000;

/** The session of the lease is for short statements only. */
export function captureLead({ queue, providerUrl, releaseMs, standbyMs }: CaptureOptions): SessionLead {
  return new SessionLead({
    what: 'the leadership of capture',
    lock: (client) => tryLead(client, `capture:${queue}`),
    open: (onLost) =>
      openSession(providerUrl, {
        applicationName: 'millrace capture',
        silenceMs: 5000 + 3 * Math.max(releaseMs, standbyMs),
        answerMs,
        onLost,
      }),
  });
}
