import { readFileSync } from 'node:fs';
import { type Config, runFile, writeRunFile } from '@millrace/config';
import { notReady, type Service } from '@millrace/lifecycle';
import { type HealthReport, startTelemetry, type Telemetry } from '@millrace/telemetry';
import { baseRoutes } from './http/base-routes.ts';
import { isLoopback } from './http/gate.ts';
import { HttpApi } from './http/http-api.ts';
import { jobRoutes } from './http/job-routes.ts';
import { JobBook } from './http/jobs.ts';
import { openApiRoute } from './http/openapi-route.ts';
import { replicaRoutes } from './http/replica-routes.ts';
import type { Route } from './http/route.ts';
import { verbRoutes } from './http/verb-routes.ts';
import { comparisonSchedule } from './watch/comparison-schedule.ts';
import { DriftWatch } from './watch/drift-watch.ts';
import { LagHistory } from './watch/lag-history.ts';
import { ReplicaWatch } from './watch/replica-watch.ts';
import { StatusWatch } from './watch/status-watch.ts';

/** Longest wait at the end for commands that were given over HTTP; one that is cut off can be repeated. */
const jobsTimeoutMs = 5_000;

/** The admin service: the verbs of the command line over HTTP, a page, and what monitors read. Nothing depends on it. */
export class Admin implements Service {
  readonly #config: Config;
  readonly #http: { readonly host: string; readonly port: number };
  #telemetry: Telemetry | undefined;
  #watch: StatusWatch | undefined;
  #drift: DriftWatch | undefined;
  #api: HttpApi | undefined;
  #schedule: Service | undefined;
  #jobs = new JobBook();

  constructor({ config, http }: { config: Config; http: { host: string; port: number } }) {
    this.#config = config;
    this.#http = http;
  }

  /** Throws CONFIG when the address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#api !== undefined) return;
    const config = this.#config;
    const telemetry = await startTelemetry({ service: 'admin', queue: config.queue });
    const lag = new LagHistory(config.queue);
    const drift = new DriftWatch(config);
    const watch = new StatusWatch(config, { onRefresh: (status) => lag.add(status), warnings: () => drift.current() });
    drift.start();
    this.#drift = drift;
    this.#jobs = new JobBook();
    this.#telemetry = telemetry;
    this.#watch = watch;
    this.#api = new HttpApi({
      ...this.#http,
      routes: await this.#routes(watch, lag, telemetry),
      gate: { token: config.http.token, names: config.http.names },
      onListening: ({ host, address, port, url }) => {
        writeRunFile(runFile(config, 'admin'), { service: 'admin', host, port, url });
        telemetry.log.info({ url }, 'ready');
        const isOpen = config.http.token === undefined && !isLoopback(address);
        if (isOpen) telemetry.log.warn('listens beyond this host without http.token: changes over HTTP are refused');
      },
    });
    await this.#api.start();
    this.#schedule = comparisonSchedule(config, telemetry.log);
    await this.#schedule?.start();
  }

  async stop(): Promise<void> {
    await this.#jobs.close(jobsTimeoutMs);
    await this.#api?.stop();
    await this.#schedule?.stop();
    this.#watch?.stop();
    this.#drift?.stop();
    await this.#telemetry?.stop();
    this.#api = undefined;
    this.#watch = undefined;
    this.#drift = undefined;
    this.#telemetry = undefined;
  }

  ready(): HealthReport {
    return this.#api?.ready() ?? notReady('not started');
  }

  async #routes(watch: StatusWatch, lag: LagHistory, { metrics }: Telemetry): Promise<Route[]> {
    const config = this.#config;
    const jobs = this.#jobs;
    const routes = [
      ...baseRoutes({ status: () => watch.current(), lag, ready: () => this.ready(), metrics }),
      ...(await verbRoutes({ config, jobs })),
      ...jobRoutes(jobs),
      ...replicaRoutes({ queue: config.queue, replicas: new ReplicaWatch(config) }),
    ];
    return [...routes, openApiRoute(routes, { version: ownVersion(), secured: config.http.token !== undefined })];
  }
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
