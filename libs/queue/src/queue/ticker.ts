// A small ticker for programs that have no pgqd and no Millrace beside their database: ticks, retries, rotation of all queues.

import { Waiter } from '../consumer/wake.ts';
import { type Database, isPool, queryRows, queryValue, Session } from '../database.ts';
import { asQueueError, QueueError, queueCodes } from '../errors.ts';
import * as sql from '../sql.ts';

export interface TickerOptions {
  /** A pool, or a client of its own; the role needs pgq_admin. */
  readonly database: Database;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Between two checks whether ticks are due, milliseconds. Default 500. */
  readonly tickMs?: number;
  /** Between two checks for events to be retried, milliseconds. Default 5,000. */
  readonly retryMs?: number;
  /** Between two rounds of rotation, milliseconds. Default 60,000. */
  readonly maintenanceMs?: number;
  /** Told of every fault that it survives. Must not throw. */
  readonly onError?: (error: QueueError) => void;
}

const pauseMs = 1_000;

/**
 * Ticks until the signal. Any number may run, one works at a time; not beside pgqd on the real extension, whose ticks have no
 * lock. Faults that pass are survived with a pool; others reject.
 */
export async function runTicker(options: TickerOptions): Promise<void> {
  const { signal, database, onError } = options;
  while (!signal.aborted) {
    let session: Session | undefined;
    try {
      session = await Session.open(database, 'connecting the ticker');
      await tickOn(session, options);
    } catch (error) {
      const known = asQueueError(error, 'ticking');
      if (!known.passes || !isPool(database)) throw known;
      onError?.(known);
      await pause(pauseMs, signal);
    } finally {
      session?.discard();
    }
  }
}

async function tickOn(session: Session, options: TickerOptions): Promise<void> {
  const { signal, tickMs = 500, retryMs = 5_000, maintenanceMs = 60_000 } = options;
  while (
    (await queryValue(session.client, 'requesting the leadership of ticking', sql.tryLead, [
      'millrace.queue/ticker',
    ])) !== 't'
  ) {
    await pause(pauseMs, signal);
    if (signal.aborted) return;
  }
  const due = { retries: 0, maintenance: 0 };
  while (!signal.aborted) {
    session.check();
    await queryRows(session.client, 'ticking', sql.tickAll);
    if (performance.now() >= due.retries) {
      await moveRetries(session);
      due.retries = performance.now() + retryMs;
    }
    if (performance.now() >= due.maintenance) {
      await maintain(session);
      due.maintenance = performance.now() + maintenanceMs;
    }
    await pause(tickMs, signal);
  }
}

async function moveRetries(session: Session): Promise<void> {
  while (Number(await queryValue(session.client, 'moving retried events', sql.moveRetries)) > 0);
}

/** The list says what to call, each in a transaction of its own, and again while there is more to do. */
async function maintain(session: Session): Promise<void> {
  for (const [func, arg] of await queryRows(session.client, 'listing maintenance', sql.maintenance)) {
    if (func === null || func === undefined) continue;
    if (!/^[a-z_0-9]+(\.[a-z_0-9]+)?$/i.test(func)) {
      throw new QueueError(queueCodes.DATABASE_REFUSED, `pgq.maint_operations names ${func}, which is no function`);
    }
    if (func === 'vacuum') await queryRows(session.client, 'vacuuming', sql.vacuum(arg ?? ''));
    else {
      const call = () =>
        queryValue(session.client, `calling ${func}`, sql.maintain(func, arg != null), arg == null ? [] : [arg]);
      while (Number(await call()) > 0);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Waiter({ minMs: ms, maxMs: ms }).wait(signal);
}
