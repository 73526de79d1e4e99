import { readFileSync } from 'node:fs';
import {
  adminTokenFile,
  type Config,
  dropAdminToken,
  makeAdminToken,
  pageLink,
  runFile,
  writeRunFile,
} from '@millrace/config';
import { notReady, type Service } from '@millrace/lifecycle';
import { type HealthReport, startTelemetry, type Telemetry } from '@millrace/telemetry';
import { isLoopback } from './access/gate.ts';
import { PageSessions } from './access/page-sessions.ts';
import { baseRoutes } from './http/base-routes.ts';
import { HttpApi } from './http/http-api.ts';
import { jobRoutes } from './http/job-routes.ts';
import { JobBook } from './http/jobs.ts';
import { openApiRoute } from './http/openapi-route.ts';
import { replicaRoutes } from './http/replica-routes.ts';
import type { Route } from './http/route.ts';
import { sessionRoute } from './http/session-route.ts';
import { Slots } from './http/slots.ts';
import { verbRoutes } from './http/verb-routes.ts';
import { comparisonSchedule } from './watch/comparison-schedule.ts';
import { DriftWatch } from './watch/drift-watch.ts';
import { LagHistory } from './watch/lag-history.ts';
import { ReplicaWatch } from './watch/replica-watch.ts';
import { StatusWatch } from './watch/status-watch.ts';

/** Longest wait at the end for commands that were given over HTTP; one that is cut off can be repeated. */
const jobsTimeoutMs = 5_000;

/** Each opens a session in every database that it is about. */
const reads = { what: 'reading requests', maxRunning: 4, maxWaiting: 60 };
const waits = { what: 'requests that wait', maxRunning: 8, maxWaiting: 8 };

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
  #sessions = new PageSessions();
  /** What lets in; undefined: nobody is let in. */
  #token: string | undefined;

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
    this.#sessions = new PageSessions();
    this.#telemetry = telemetry;
    this.#watch = watch;
    this.#api = new HttpApi({
      ...this.#http,
      routes: await this.#routes(watch, lag, telemetry),
      gate: (address) => {
        this.#token = tokenFor(config, address);
        return {
          token: this.#token,
          tokenFrom:
            config.http.token === undefined
              ? `what is in ${adminTokenFile(config)}`
              : 'the http.token of the configuration',
          hasSession: (cookies) => this.#sessions.has(cookies),
          names: config.http.names,
        };
      },
      onListening: ({ host, address, port, url }) => {
        writeRunFile(runFile(config, 'admin'), { service: 'admin', host, port, url });
        telemetry.log.info({ url }, 'ready');
        if (process.stderr.isTTY && this.#token !== undefined) {
          telemetry.log.info(
            { link: pageLink(url, this.#token) },
            'the page, for who opens this link within ten minutes, once',
          );
        }
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
      sessionRoute({ sessions: this.#sessions, token: () => this.#token }),
      ...(await verbRoutes({
        config,
        jobs,
        openReads: new Slots(reads),
        guardedReads: new Slots(reads),
        waits: new Slots(waits),
      })),
      ...jobRoutes(jobs),
      ...replicaRoutes({ queue: config.queue, replicas: new ReplicaWatch(config) }),
    ];
    return [...routes, openApiRoute(routes, { version: ownVersion() })];
  }
}

/** The configured one; else one that only this account can read, where only this host can connect. */
function tokenFor(config: Config, address: string): string | undefined {
  if (config.http.token === undefined && isLoopback(address)) return makeAdminToken(config);
  dropAdminToken(config);
  return config.http.token;
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
