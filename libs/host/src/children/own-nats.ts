import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { busUrl, busUrlFile, type Config, writeSecret } from '@millrace/config';
import { EmbeddedNats, freePort } from '@millrace/embedded';
import { toMillraceError } from '@millrace/errors';

const pollMs = 250;

/**
 * The nats-server that `up` runs when the configuration names no bus: started again whenever it dies. Clients
 * need the token in the file with its URL, which only this account may read.
 */
export class OwnNats {
  readonly #config: Config;
  readonly #say: (line: string) => void;
  #server: EmbeddedNats | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(config: Config, say: (line: string) => void) {
    this.#config = config;
    this.#say = say;
  }

  get url(): string | undefined {
    return this.#server?.url;
  }

  /** Starts it on its previous port if that is free, and writes its URL to the file that the services read. Throws PROGRAM. */
  async start(): Promise<void> {
    const dir = join(this.#config.data_dir, 'nats');
    const known = /^nats:\/\/(?:([0-9a-f]+)@)?[^@]*:(\d+)$/.exec(busUrl(this.#config) ?? '');
    const last = Number(known?.[2]);
    const token = known?.[1] ?? randomBytes(24).toString('hex');
    const server = new EmbeddedNats({ dir, token, ...(last > 0 ? { port: last } : {}) });
    try {
      await server.start();
      this.#server = server;
    } catch (error) {
      if (!(last > 0)) throw error;
      const other = new EmbeddedNats({ dir, token, port: await freePort() });
      await other.start();
      this.#server = other;
    }
    this.#writeUrl();
    this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#server?.stop();
  }

  #watch(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#restart().finally(() => this.#watch());
    }, pollMs);
    this.#timer.unref();
  }

  async #restart(): Promise<void> {
    if (this.#server === undefined || this.#server.pid !== undefined || this.#stopped) return;
    this.#say('nats-server ended; it is started again');
    try {
      await this.#server.start();
    } catch (error) {
      this.#say(toMillraceError(error).sentence);
    }
  }

  #writeUrl(): void {
    const file = busUrlFile(this.#config);
    mkdirSync(dirname(file), { recursive: true });
    writeSecret(file, `${this.#server?.url}\n`);
  }
}
