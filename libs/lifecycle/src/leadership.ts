// Leadership: of several instances one leads, the others are standbys. Who leads is decided by whoever grants the lease (an advisory
// lock held by a database session, see session-lead.ts of libs/postgres); this file requests it, starts the work when it is
// granted and stops the work when it is lost.
//
//                 start
//                   │
//                   ▼      tryLead: null         ┌──────────┐
//              ┌────────┐ ───────────────────▶  │ standby  │ ──┐ after pollMs, spread by ±25 %,
//              │  none  │                        │  ready   │ ◀─┘ tryLead: null again
//              └────────┘ ◀───────────────────  └──────────┘
//               │  ▲   ▲    tryLead throws            │
//  tryLead:     │  │   │    (retried with back-off)   │ tryLead: a lease
//  a lease      │  │   │                              │
//               ▼  │   │                              ▼
//              ┌────────────────────────────────────────┐
//              │ leader: work(lease) started;           │
//              │         ready when the work is ready   │
//              └────────────────────────────────────────┘
//                   │   lease.lost settles (session ended, or abandoned by the work), or stop
//                   ▼
//              work.stop(), then lease.release(), in this order; then `none`
//
// Must hold:
// - The work is started only under a lease, and is stopped before the lease is released: two instances overlap only when one
//   was frozen or cut off and has not noticed the loss yet. What the work writes must therefore be fenced by what it writes to.
// - A leadership shorter than 10 s counts as a failure: the next request waits longer each time, so that work that fails
//   immediately does not take the lock back and forth.
// - A stop during `tryLead` waits for its answer; a lease that comes then is released unused.
import type { HealthReport, Logger } from '@millrace/telemetry';
import { Backoff } from './backoff.ts';
import { RunLoop } from './run-loop.ts';
import { notReady, type Service } from './service.ts';

/** The right to lead for as long as a session lives. */
export interface Lease {
  /** Settles when the lease is gone without `release`; never rejects. */
  readonly lost: Promise<unknown>;
  /** Gives the lease back; it does not throw and may be called after the loss. */
  release(): Promise<void>;
}

export interface LeadershipOptions<L extends Lease> {
  /** For logs and reasons: `ticker`. */
  readonly name: string;
  /** Requests the lease: null while another instance holds it. Throws when the granter cannot be reached. */
  readonly tryLead: () => Promise<L | null>;
  /** Makes the work that the leader does; it is started after that, and stopped when the lease ends. */
  readonly work: (lease: L) => Service;
  /** Called when the service has stopped, to free what `tryLead` keeps between its calls. A throw in it is ignored. */
  readonly onStopped?: () => Promise<void> | void;
  /** How often a standby requests the lease. Milliseconds, default 1,000. */
  readonly pollMs?: number;
  readonly log?: Logger;
}

type Role = 'leader' | 'standby' | 'none';

/** A leadership that ended sooner counts as a failure. */
const minLeadMs = 10_000;

class Leadership<L extends Lease> implements Service {
  readonly #options: LeadershipOptions<L>;
  readonly #loop: RunLoop;
  #role: Role = 'none';
  #working: Service | undefined;
  readonly #backoff = new Backoff();
  /** Why the last leadership failed, reported while there is none. */
  #lastReasons: string[] = [];

  constructor(options: LeadershipOptions<L>) {
    this.#options = options;
    this.#loop = new RunLoop({
      name: options.name,
      runOnce: (signal) => this.#runOnce(signal),
      onFailed: () => {
        this.#role = 'none';
      },
      onStopped: () => {
        this.#role = 'none';
        return options.onStopped?.();
      },
      ...(options.log !== undefined && { log: options.log }),
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  ready(): HealthReport {
    if (this.#role === 'standby') return { ok: true, reasons: [], role: 'standby' };
    if (this.#role === 'leader') {
      return { ...(this.#working?.ready() ?? notReady(`${this.#options.name} is starting`)), role: 'leader' };
    }
    const { reasons } = this.#loop.ready();
    return { ok: false, reasons: reasons.length > 0 ? reasons : this.#lastReasons, role: 'none' };
  }

  async #runOnce(signal: AbortSignal): Promise<number> {
    const { name, tryLead, pollMs = 1_000 } = this.#options;
    const lease = await tryLead();
    if (lease === null) {
      this.#enter('standby', `${name} stands by: another instance leads`);
      return pollMs * (0.75 + Math.random() / 2);
    }
    const since = performance.now();
    try {
      if (signal.aborted) return 0;
      this.#enter('leader', `${name} leads`);
      await this.#lead(lease, signal);
    } finally {
      await lease.release();
      this.#role = 'none';
    }
    if (performance.now() - since > minLeadMs) this.#backoff.reset();
    return this.#backoff.next();
  }

  async #lead(lease: L, signal: AbortSignal): Promise<void> {
    const working = this.#options.work(lease);
    this.#working = working;
    try {
      await working.start();
      // While leading, this pass counts as succeeded although it has not returned.
      this.#loop.state?.succeeded();
      const isStopped = await Promise.race([lease.lost.then(() => false), aborted(signal)]);
      if (!isStopped) this.#loop.state?.log.warn(`${this.#options.name} lost the leadership: its session ended`);
    } finally {
      this.#lastReasons = working.ready().reasons;
      await working.stop();
      this.#working = undefined;
    }
  }

  #enter(role: Role, sentence: string): void {
    if (this.#role !== role) this.#loop.state?.log.info({ role }, sentence);
    this.#role = role;
  }
}

/**
 * A service that leads or stands by. Ready as standby (role `standby`) and, as leader, when its work is.
 * After the leader's end a standby requests the lease within about `pollMs`.
 */
export function leadOrStandby<L extends Lease>(options: LeadershipOptions<L>): Service {
  return new Leadership(options);
}

function aborted(signal: AbortSignal): Promise<true> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(true), { once: true }));
}
