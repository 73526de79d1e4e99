import { type Config, runFile, writeRunFile } from '@millrace/config';
import { notReady, type Service } from '@millrace/lifecycle';
import { type HealthReport, startTelemetry, type Telemetry } from '@millrace/telemetry';
import { HttpApi } from './http-api.ts';
import { StatusWatch } from './status-watch.ts';

/** The admin service: shows over HTTP what `status` shows on the command line. Nothing depends on it. */
export class Admin implements Service {
  readonly #config: Config;
  readonly #http: { readonly host: string; readonly port: number };
  #telemetry: Telemetry | undefined;
  #api: HttpApi | undefined;

  constructor({ config, http }: { config: Config; http: { host: string; port: number } }) {
    this.#config = config;
    this.#http = http;
  }

  /** Throws CONFIG when the address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#api !== undefined) return;
    const config = this.#config;
    const telemetry = await startTelemetry({ service: 'admin', queue: config.queue });
    const watch = new StatusWatch(config);
    this.#telemetry = telemetry;
    this.#api = new HttpApi({
      ...this.#http,
      status: () => watch.current(),
      metrics: telemetry.metrics,
      onListening: ({ host, port, url }) => {
        writeRunFile(runFile(config, 'admin'), { service: 'admin', host, port, url });
        telemetry.log.info({ url }, 'ready');
      },
    });
    await this.#api.start();
  }

  async stop(): Promise<void> {
    await this.#api?.stop();
    await this.#telemetry?.stop();
    this.#api = undefined;
    this.#telemetry = undefined;
  }

  ready(): HealthReport {
    return this.#api?.ready() ?? notReady('not started');
  }
}
