// The one connection to the bus of a leading capture; it returns by itself, unless the bus is elsewhere now.
import { type Bus, connectBus } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';

export class BusHolder {
  readonly #url: () => string | undefined;
  #bus: Bus | undefined;
  #connectedTo: string | undefined;
  #connecting: Promise<Bus> | undefined;
  #closed = false;

  constructor(url: () => string | undefined) {
    this.#url = url;
  }

  /** The connection, made when needed. Throws BUS_UNAVAILABLE or BUS_REFUSED while there is none. */
  async get(): Promise<Bus> {
    if (this.#bus?.isConnected()) return this.#bus;
    const url = this.#url();
    if (url === undefined) {
      throw new MillraceError(codes.BUS_UNAVAILABLE, 'nobody has said yet where the bus is', {
        advice: 'start `millrace up` or configure bus.url',
      });
    }
    // One that was closed for good does not come back.
    const returns = this.#bus !== undefined && !this.#bus.connection.isClosed();
    if (this.#bus !== undefined && returns && url === this.#connectedTo) throw this.#bus.trouble() ?? gone();
    this.#connecting ??= this.#connect(url).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting?.catch(() => {});
    await this.#bus?.close();
    this.#bus = undefined;
  }

  async #connect(url: string): Promise<Bus> {
    await this.#bus?.close();
    this.#bus = undefined;
    const bus = await connectBus(url, { name: 'millrace capture' });
    if (this.#closed) {
      await bus.close();
      throw gone();
    }
    this.#bus = bus;
    this.#connectedTo = url;
    return bus;
  }
}

function gone(): MillraceError {
  return new MillraceError(codes.BUS_UNAVAILABLE, 'the connection to the bus is lost');
}
