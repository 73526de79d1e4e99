import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, runFile } from '@millrace/config';
import { installParts } from '@millrace/control/install';
import { type PartName, replicates, subscriberOf } from '@millrace/control/parts';
import { LogFile } from './children/child-output.ts';
import { ChildService } from './children/child-service.ts';
import { OwnNats } from './children/own-nats.ts';
import { readableLine } from './children/readable-line.ts';
import { serviceProgram } from './project.ts';
import { takeLock } from './up/up-lock.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly parts: readonly PartName[];
  /** A line for people. */
  readonly say: (line: string) => void;
  /** Do not show what the services write; it is in DATA_DIR/log nevertheless. */
  readonly quiet?: boolean;
}

const againMs = 2_000;

/**
 * Runs the parts of one host as child processes until it is stopped: starts them again when they end, runs the own
 * nats-server, and installs what is missing. It holds no state: killed at any moment, it can simply be started again.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: ChildService[] = [];
  readonly #releases: (() => void)[] = [];
  readonly #stopping = new AbortController();
  #nats: OwnNats | undefined;
  #installing: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The processes, for inspection. */
  get children(): readonly ChildService[] {
    return this.#children;
  }

  /** Throws PROGRAM when another process runs one of the parts from the same data_dir. */
  async start(): Promise<void> {
    const { config, parts, say } = this.#options;
    for (const part of parts) if (part !== 'nats') this.#releases.push(takeLock(config.data_dir, part));
    if (config.bus.url === undefined && replicates(config) && this.#mayRunNats()) {
      this.#nats = new OwnNats(config, say);
      await this.#nats.start();
    }
    const isComplete = await this.#install();
    if (!isComplete) this.#installing = this.#installLater();
    if (this.#stopping.signal.aborted) return;
    for (const part of parts) if (part !== 'nats') this.#children.push(this.#child(part));
    for (const child of this.#children) child.start();
  }

  /** Ends everything in order; safe at any moment, and twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#installing;
    await Promise.all(this.#children.map((child) => child.stop()));
    await this.#nats?.stop();
    for (const release of this.#releases.splice(0)) release();
  }

  /** Of several `up --only` in one data_dir the first runs the nats-server for all. */
  #mayRunNats(): boolean {
    const { config, parts } = this.#options;
    try {
      this.#releases.push(takeLock(config.data_dir, 'nats'));
      return true;
    } catch (error) {
      if (parts.includes('nats')) throw error;
      return false;
    }
  }

  #child(part: PartName): ChildService {
    const { config, say, quiet } = this.#options;
    const name = subscriberOf(part);
    const kind = name === undefined ? (part as 'ticker' | 'capture' | 'admin') : 'replay';
    const log = new LogFile(join(config.data_dir, 'log', `${part.replace(':', '-')}.log`));
    // The last one's file would name a port that is gone.
    rmSync(runFile(config, kind, name), { force: true });
    return new ChildService({
      name: part,
      program: serviceProgram(kind),
      args: ['--config', config.file, ...(name === undefined ? [] : ['--name', name])],
      onLine: (line) => {
        log.write(line);
        if (quiet !== true) say(`[${part}] ${readableLine(line)}`);
      },
      onEnded: (how, delayMs) => {
        log.write(`supervisor: ${part} ${how}`);
        say(`${part} ${how}; it is started again in ${delayMs} ms`);
      },
    });
  }

  /** True when nothing is left to install. A part that cannot be reached must not keep the others from running. */
  async #install(): Promise<boolean> {
    const parts = await installParts(this.#options.config);
    for (const { state, detail } of parts) if (state !== 'done') this.#options.say(`install: ${detail}`);
    return parts.every(({ state }) => state === 'done');
  }

  async #installLater(): Promise<void> {
    const { signal } = this.#stopping;
    let reported = '';
    while (!signal.aborted) {
      await delay(againMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const open = (await installParts(this.#options.config)).filter(({ state }) => state !== 'done');
      const now = open.map(({ detail }) => `install: ${detail}`).join('\n');
      if (open.length === 0) return this.#options.say('install: done');
      if (now !== reported) this.#options.say(now);
      reported = now;
    }
  }
}
