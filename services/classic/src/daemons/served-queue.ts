import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { deleteBucket, deleteStream } from '@millrace/bus';
import { type Config, runFile } from '@millrace/config';
import { BusSide } from '@millrace/control/sides';
import { toMillraceError } from '@millrace/errors';
import { ChildService, LogFile, serviceProgram } from '@millrace/host';
import { busToken } from '@millrace/model';
import { bucketName, copyStreamName, streamName } from '@millrace/wire';
import type { ClassicLog } from '../program/log.ts';
import { writeConfig } from '../settings/service-config.ts';
import type { TickerSettings } from '../settings/settings.ts';

const kinds = ['ticker', 'capture'] as const;

/** A queue that carries tables, and the processes that serve it, started again whenever they end. */
export class ServedQueue {
  readonly name: string;
  readonly busUrl: string;
  readonly #config: Config;
  readonly #log: ClassicLog;
  readonly #children: readonly ChildService[];

  constructor(name: string, busUrl: string, { settings, log }: { settings: TickerSettings; log: ClassicLog }) {
    const { providerUrl, loopDelayMs } = settings;
    const dataDir = join(settings.dataDir, 'queues', busToken(name));
    this.name = name;
    this.busUrl = busUrl;
    this.#log = log;
    this.#config = writeConfig({ queue: name, providerUrl, busUrl, loopDelayMs, dataDir });
    this.#children = kinds.map((kind) => this.#child(kind));
  }

  start(): void {
    for (const child of this.#children) child.start();
    this.#log.info(`queue ${this.name}: ${kinds.join(' and ')} started`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }

  /** The queue was dropped: what is left on the bus would mislead a new queue of this name. */
  async forget(): Promise<void> {
    await this.stop();
    this.#log.info(`queue ${this.name} is gone`);
    const side = await BusSide.open(this.#config).catch(() => undefined);
    if (side === undefined) return;
    try {
      for (const name of [streamName(this.name), copyStreamName(this.name)]) await deleteStream(side.bus, name);
      await deleteBucket(side.bus, bucketName(this.name));
    } catch (error) {
      this.#log.warn(`its streams stay on the bus: ${toMillraceError(error).sentence}`);
    } finally {
      await side.close();
    }
  }

  #child(kind: (typeof kinds)[number]): ChildService {
    const name = `${kind} ${this.name}`;
    const own = new LogFile(join(this.#config.data_dir, 'log', `${kind}.log`));
    // The last one's file would name a port that is gone.
    rmSync(runFile(this.#config, kind), { force: true });
    return new ChildService({
      name,
      program: serviceProgram(kind),
      args: ['--config', this.#config.file],
      onLine: (line) => {
        own.write(line);
        this.#log.service(name, line);
      },
      onEnded: (how, delayMs) => this.#log.warn(`${name} ${how}; it is started again in ${delayMs} ms`),
    });
  }
}
