// Of several twins one leads, the others stand by. Who leads is decided by whoever grants the lease (a session lock in a
// database); this file only asks again and again, starts the work when granted and stops it when the lease is lost.
// Must hold: the work is started only under a lease. It may outlive the lease by a moment (a frozen process), so what
// the work writes must be fenced by itself.
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
  /** Asks for the lease: null while a twin holds it. Throws when the granter cannot be reached. */
  readonly tryLead: () => Promise<L | null>;
  /** Makes the work that the leader does; it is started after that, and stopped when the lease ends. */
  readonly work: (lease: L) => Service;
  /** Told when the service has stopped, to free what `tryLead` keeps between its calls. A throw in it is ignored. */
  readonly onStopped?: () => Promise<void> | void;
  /** How often a stand-by asks. Milliseconds, default 1,000. */
  readonly pollMs?: number;
  readonly log?: Logger;
}

type Role = 'leader' | 'standby' | 'none';

/** A lead that ended sooner was no success: the next question waits longer each time. */
const shortLeadMs = 10_000;

class Leadership<L extends Lease> implements Service {
  readonly #options: LeadershipOptions<L>;
  readonly #loop: RunLoop;
  #role: Role = 'none';
  #working: Service | undefined;
  readonly #backoff = new Backoff();
  /** Why the last lead ended badly, to tell while there is none. */
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
      this.#enter('standby', `${name} stands by: a twin leads`);
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
    if (performance.now() - since > shortLeadMs) this.#backoff.reset();
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
      if (!isStopped) this.#loop.state?.log.warn(`${this.#options.name} lost the lead: its session ended`);
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
 * A service that leads or stands by. Ready as stand-by (role `standby`) and, as leader, when its work is.
 * After the leader's death a stand-by asks within `pollMs`.
 */
export function leadOrStandBy<L extends Lease>(options: LeadershipOptions<L>): Service {
  return new Leadership(options);
}

function aborted(signal: AbortSignal): Promise<true> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(true), { once: true }));
}
