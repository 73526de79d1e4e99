// The one contract of everything that runs: a service, a loop in it, a group of both.
import type { HealthReport } from '@millrace/telemetry';

/**
 * Must hold for every implementation (startStopStress checks it):
 * - `start` returns quickly and does not wait for databases or the bus; it throws only for what no waiting repairs.
 *   A second `start` while running changes nothing; after `stop` it starts again.
 * - `stop` ends all work gracefully and frees everything; safe when never started, when called twice, and during
 *   `start` (then the service ends up stopped). It does not throw.
 * - `ready` is cheap, never throws, and is `ok` only while the work is really done (or another instance does it: role standby).
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
  ready(): HealthReport;
}

/** The report of something that does its work. */
export const readyReport: HealthReport = Object.freeze({ ok: true, reasons: [] });

/** The report of something that does not, with the sentence for people. */
export function notReady(...reasons: string[]): HealthReport {
  return { ok: false, reasons };
}
