import { join } from 'node:path';
import { loadConfig } from '@millrace/config';
import { Supervisor } from '@millrace/host';
import { RunLoop } from '@millrace/lifecycle';
import { createLogger } from '@millrace/telemetry';
import type { ClassicLog } from '../program/log.ts';
import type { DaemonWork } from '../program/run-daemon.ts';
import { recordedBus } from '../settings/recorded-bus.ts';
import { writeConfig } from '../settings/service-config.ts';
import type { ReplicaSettings } from '../settings/settings.ts';

const pollMs = 5_000;
/** Until the bus is known. */
const firstPollMs = 500;

/**
 * The replay of one subscriber. It reads the address of the bus from the provider, unless the file has it; it goes on with what it knows
 * while the provider is away, and follows a bus that moved.
 */
export class ReplayDaemon implements DaemonWork {
  readonly #settings: ReplicaSettings;
  readonly #log: ClassicLog;
  readonly #loop: RunLoop;
  #running: { readonly busUrl: string; readonly supervisor: Supervisor } | undefined;
  #isWaitReported = false;

  constructor(settings: ReplicaSettings, log: ClassicLog) {
    this.#settings = settings;
    this.#log = log;
    this.#loop = new RunLoop({
      name: 'bus address',
      runOnce: () => this.#poll(),
      backoff: { minMs: 500, maxMs: 5_000 },
      log: createLogger({ service: 'replay' }, (line) => log.service('replay', line)),
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#running?.supervisor.stop();
    this.#running = undefined;
  }

  async #poll(): Promise<number> {
    const busUrl = await this.#bus();
    if (busUrl === undefined) {
      if (!this.#isWaitReported)
        this.#log.info('waiting for the bus: start `pgqadm.py ticker.ini ticker -d` for the provider, or set bus_url');
      this.#isWaitReported = true;
      return firstPollMs;
    }
    if (this.#running?.busUrl !== busUrl) await this.#run(busUrl);
    return pollMs;
  }

  async #bus(): Promise<string | undefined> {
    const { busUrl, providerUrl } = this.#settings;
    if (busUrl !== undefined) return busUrl;
    try {
      return await recordedBus(providerUrl);
    } catch (error) {
      const known = this.#running?.busUrl ?? this.#lastBus();
      if (known === undefined) throw error;
      return known;
    }
  }

  /** Where the bus was when this daemon last ran. */
  #lastBus(): string | undefined {
    try {
      return loadConfig({ flag: join(this.#settings.dataDir, 'millrace.yaml') }).bus.url;
    } catch {
      return undefined;
    }
  }

  async #run(busUrl: string): Promise<void> {
    const { queue, providerUrl, subscriber, subscriberUrl, dataDir } = this.#settings;
    await this.#running?.supervisor.stop();
    this.#running = undefined;
    const config = writeConfig({
      queue,
      providerUrl,
      subscriber: { name: subscriber, url: subscriberUrl },
      busUrl,
      dataDir,
    });
    const supervisor = new Supervisor({ config, parts: [`replay:${subscriber}`], say: this.#log.supervisor });
    try {
      await supervisor.start();
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    this.#running = { busUrl, supervisor };
  }
}
