// What every service's main.ts does after it has read its configuration.
import { verdictOf } from '@millrace/errors';
import type { HealthReport, HealthServer, Identity, Telemetry } from '@millrace/telemetry';
import { logger, printable, startHealth, startTelemetry, takeWarnings } from '@millrace/telemetry';
import { runUntilSignalled } from './run-until-signalled.ts';
import { notReady, readyReport, type Service } from './service.ts';

export interface RunProcessOptions {
  readonly identity: Identity;
  /** Where the health endpoint listens; port 0 = any. */
  readonly http: { host: string; port: number };
  /** Called with where it listens, for example to write it to a file. */
  readonly onListening?: (address: { host: string; port: number; url: string }) => Promise<void>;
  /** Of a service that follows something: whether it is ready and not further behind than so many ms. */
  readonly fresh?: (maxLagMs: number, ready: HealthReport) => HealthReport;
  /** Makes the service, after telemetry has started. */
  readonly create: () => Service | Promise<Service>;
}

const minCheckMs = 20;
const maxCheckMs = 1_000;

/** Telemetry, health endpoint, service, signals, in that order; logs one `ready` line when it first is. Never returns. */
export async function runProcess(options: RunProcessOptions): Promise<never> {
  return runUntilSignalled(new ServiceProcess(options));
}

/** A service with its logs, metrics and health endpoint, as a service itself, so that a signal during the start is already a graceful stop. */
class ServiceProcess implements Service {
  readonly #options: RunProcessOptions;
  #parts: { telemetry?: Telemetry; service?: Service; health?: HealthServer; watch?: NodeJS.Timeout } = {};

  constructor(options: RunProcessOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { identity, http, onListening, fresh, create } = this.#options;
    const parts = this.#parts;
    parts.telemetry = await startTelemetry(identity);
    parts.service = await create();
    parts.health = await startHealth({
      ...http,
      live: () => readyReport,
      ready: () => this.ready(),
      fresh: fresh && ((maxLagMs) => fresh(maxLagMs, this.ready())),
      metrics: parts.telemetry.metrics,
    });
    await onListening?.(parts.health);
    await parts.service.start();
    this.#sayReadyOnce(minCheckMs);
  }

  async stop(): Promise<void> {
    const { telemetry, service, health, watch } = this.#parts;
    clearTimeout(watch);
    await service?.stop();
    await health?.stop();
    await telemetry?.stop();
  }

  ready(): HealthReport {
    return this.#parts.service?.ready() ?? notReady('not started');
  }

  // Checks often at first, rarely when something is wrong for long.
  #sayReadyOnce(nextCheckMs: number): void {
    const parts = this.#parts;
    const { ok, role } = this.ready();
    if (ok) {
      parts.telemetry?.log.info({ url: parts.health?.url, role }, 'ready');
      return;
    }
    const later = Math.min(nextCheckMs * 1.3, maxCheckMs);
    parts.watch = setTimeout(() => this.#sayReadyOnce(later), nextCheckMs).unref();
  }
}

/** Runs `main`; an error of it becomes one line on stderr and exit code 2 (wrong use or configuration) or 1. */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  takeWarnings((text) => logger().warn(text));
  try {
    await main();
  } catch (error) {
    const verdict = verdictOf(error);
    process.stderr.write(`${printable(`millrace ${name}: ${verdict.sentence}`)}\n`);
    process.exit(verdict.exitCode);
  }
}
