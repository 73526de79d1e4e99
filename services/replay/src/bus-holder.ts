// The one connection to the bus of a leading replay; it returns by itself, unless the bus is elsewhere now.
import { type Bus, connectBus } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';

export class BusHolder {
  readonly #url: () => string | undefined;
  #bus: Bus | undefined;
  #connectedTo: string | undefined;
  #closed = false;

  constructor(url: () => string | undefined) {
    this.#url = url;
  }

  /**
   * The connection, made when needed; one that is lost is given all the same, for it comes back, and one that was closed
   * for good is made anew. Throws BUS_UNAVAILABLE, BUS_REFUSED.
   */
  async get(): Promise<Bus> {
    const url = this.#url();
    const isElsewhere = url !== undefined && url !== this.#connectedTo;
    const returns = this.#bus !== undefined && !this.#bus.connection.isClosed();
    if (this.#bus !== undefined && (this.#bus.isConnected() || (returns && !isElsewhere))) return this.#bus;
    if (url === undefined) {
      throw new MillraceError(codes.BUS_UNAVAILABLE, 'nobody has said yet where the bus is', {
        advice: 'start `millrace up` or configure bus.url',
      });
    }
    await this.#bus?.close();
    this.#bus = undefined;
    const bus = await connectBus(url, { name: 'millrace replay' });
    if (this.#closed) {
      await bus.close();
      throw new MillraceError(codes.BUS_UNAVAILABLE, 'the connection to the bus is closed');
    }
    this.#bus = bus;
    this.#connectedTo = url;
    return bus;
  }

  /** The connection if there is one now. */
  get current(): Bus | undefined {
    return this.#bus;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#bus?.close();
    this.#bus = undefined;
  }
}
