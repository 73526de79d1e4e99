// The loop over requested copies: begins them, repeats what is lost, and notes when all subscribers have them.
import type { Bus, BusConnection } from '@millrace/bus';
import type { Verdict } from '@millrace/errors';
import { RunLoop } from '@millrace/lifecycle';
import { tableLabel } from '@millrace/model';
import { KeptSession, type PgClient } from '@millrace/postgres';
import { type CopyRequest, finishCopy, openCopyRequests } from '@millrace/provider';
import type { CaptureOptions } from '../config.ts';
import { openSession } from '../session/provider-session.ts';
import type { DesiredState } from '../subscribers/desired-state.ts';
import type { Reports } from '../subscribers/reports.ts';
import type { Roster } from '../subscribers/roster.ts';
import { CopyAttempts } from './copy-attempts.ts';
import { CopyLosses } from './copy-losses.ts';
import { purgeCopy } from './copy-stream.ts';
import { isSettled, takersOf } from './taking.ts';

export interface CopiesContext {
  readonly options: CaptureOptions;
  readonly desiredState: DesiredState;
  readonly roster: Roster;
  readonly reports: Reports;
}

const busyMs = 200;
/** Without requests; a new one is announced by the database. */
const idleMs = 5000;
/** Longest wait for the answer to one query, ms. */
const answerMs = 12_000;

export class Copies {
  readonly loop: RunLoop;
  readonly #context: CopiesContext;
  readonly #bus: BusConnection;
  readonly #session: KeptSession;
  readonly #attempts: CopyAttempts;
  readonly #losses: CopyLosses;

  constructor(context: CopiesContext, bus: BusConnection) {
    const { options, reports } = context;
    this.#context = context;
    this.#bus = bus;
    this.#session = new KeptSession((onLost) =>
      openSession(options.providerUrl, { applicationName: 'millrace capture copies', answerMs, onLost }),
    );
    this.#attempts = new CopyAttempts(options, reports, this.#session);
    this.#losses = new CopyLosses(reports, options.keyring);
    this.loop = new RunLoop({
      name: 'capture copies',
      runOnce: () => this.#runOnce(),
      backoff: { minMs: 100, maxMs: 5000 },
      onFailed: () => this.#session.drop(),
      onStopped: () => this.stop(),
    });
    context.desiredState.changed.on(() => this.loop.wake());
    this.#attempts.sent.on(() => this.loop.wake());
  }

  /** Why a copy cannot be made at present, if one cannot. */
  fault(): Verdict | undefined {
    return this.#attempts.fault();
  }

  async stop(): Promise<void> {
    await this.#attempts.stop();
    await this.#session.close();
  }

  /** Goes through all requests once; gives the pause until the next pass, ms. */
  async #runOnce(): Promise<number> {
    const { options, roster, reports } = this.#context;
    const client = await this.#session.get();
    const requests = await openCopyRequests(client, options.queue);
    await this.#abortOthers(requests);
    if (requests.length === 0) {
      this.#losses.clear();
      return idleMs;
    }
    const bus = await this.#bus.get();
    if (roster.subscribers === undefined) return busyMs;
    const registered = new Set(roster.subscribers.map((one) => one.name));
    let isTaken = this.#attempts.count > 0;
    for (const request of requests) {
      const takers = takersOf(reports, request, registered);
      isTaken ||= takers.length > 0;
      if (this.#attempts.isRunning(request.copyId)) continue;
      if (request.attempt > 0 && isSettled(reports, request, registered)) await this.#finish(client, bus, request);
      else if (await this.#mustBegin(bus, request, takers)) await this.#attempts.begin(client, bus, request, takers);
    }
    // A request of a subscriber that is down for days shall not cost five queries a second.
    return isTaken ? busyMs : idleMs;
  }

  /** Ends what is no longer requested. */
  async #abortOthers(requests: readonly CopyRequest[]): Promise<void> {
    const requested = new Set(requests.map((request) => request.copyId));
    for (const id of this.#attempts.runningBeside(requested)) {
      await this.#attempts.abort(id);
      await purgeCopy(await this.#bus.get(), this.#context.options.queue, id);
    }
    this.#attempts.forgetBeside(requested);
  }

  async #mustBegin(bus: Bus, request: CopyRequest, takers: readonly string[]): Promise<boolean> {
    if (takers.length === 0 || !this.#attempts.mayBegin(request.copyId)) return false;
    const isSent = request.state === 'copying' && request.rows !== null;
    return !isSent || this.#losses.isLost(bus, request, takers);
  }

  async #finish(client: PgClient, bus: Bus, request: CopyRequest): Promise<void> {
    const { copyId, attempt, position, rows, bytes, table } = request;
    const isDone = await finishCopy(client, copyId, attempt, {
      position: position ?? { tick: 0, fingerprint: '' },
      rows: rows ?? 0,
      bytes: bytes ?? 0,
    });
    this.#losses.clear();
    await purgeCopy(bus, this.#context.options.queue, copyId);
    if (isDone) this.loop.state?.log.info({ copy: copyId, table: tableLabel(table) }, 'copy done');
  }
}
