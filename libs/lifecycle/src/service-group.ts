import type { HealthReport } from '@millrace/telemetry';
import { notReady, type Service } from './service.ts';

/** Several services as one: started in order, stopped in reverse order, ready when all are. */
export class ServiceGroup implements Service {
  readonly #members: readonly Service[];
  #started = false;
  // start and stop take turns, so that a stop during a start finds everything that was started.
  #turn: Promise<unknown> = Promise.resolve();

  constructor(members: readonly Service[]) {
    this.#members = members;
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#started) return;
      this.#started = true;
      try {
        for (const member of this.#members) await member.start();
      } catch (error) {
        await this.#stopMembers();
        throw error;
      }
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(() => this.#stopMembers());
  }

  ready(): HealthReport {
    if (!this.#started) return notReady('not started');
    const reports = this.#members.map((member) => member.ready());
    const role = reports.find((report) => report.role !== undefined)?.role;
    return {
      ok: reports.every((report) => report.ok),
      reasons: reports.flatMap((report) => (report.ok ? [] : report.reasons)),
      ...(role !== undefined && { role }),
    };
  }

  async #stopMembers(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    for (const member of this.#members.toReversed()) await member.stop();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}
