import { Side } from '@millrace/control/sides';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { OwnNats, takeLock } from '@millrace/host';
import { RunLoop } from '@millrace/lifecycle';
import { tryLead } from '@millrace/postgres';
import {
  installProvider,
  isProviderInstalled,
  readBusAddress,
  recordBusAddress,
  tickedQueues,
} from '@millrace/provider';
import { createLogger } from '@millrace/telemetry';
import type { ClassicLog } from '../program/log.ts';
import type { DaemonWork } from '../program/run-daemon.ts';
import { configOf } from '../settings/service-config.ts';
import type { TickerSettings } from '../settings/settings.ts';
import { PlainQueues } from './plain-queues.ts';
import { ServedQueue } from './served-queue.ts';

const pollMs = 1_000;
/** As skytools had them. */
const plainTickMs = 500;
const plainMaintenanceMs = 300_000;

/**
 * Everything of the provider's side for one database: the schemas, the bus (a nats-server of its own unless the file names
 * one), its address recorded at the provider, a ticker and a capture for every queue that carries tables, and ticks for all other
 * queues (a set's ticker makes them where there is one, else we do); also for those made later. Of two such daemons for one database the second is on standby.
 */
export class ProviderDaemon implements DaemonWork {
  readonly #settings: TickerSettings;
  readonly #log: ClassicLog;
  readonly #served = new Map<number, ServedQueue>();
  readonly #plain: PlainQueues;
  readonly #loop: RunLoop;
  #release: () => void = () => {};
  #side: Side | undefined;
  #nats: OwnNats | undefined;
  #isLeader = false;
  #reportedRole = '';

  constructor(settings: TickerSettings, log: ClassicLog) {
    this.#settings = settings;
    this.#log = log;
    const { providerUrl, loopDelayMs, maintenanceMs } = settings;
    this.#plain = new PlainQueues({
      providerUrl,
      tickMs: loopDelayMs ?? plainTickMs,
      maintenanceMs: maintenanceMs ?? plainMaintenanceMs,
      log,
    });
    this.#loop = new RunLoop({
      name: 'queues',
      runOnce: () => this.#refresh(),
      idleMs: pollMs,
      backoff: { minMs: 500, maxMs: 5_000 },
      log: createLogger({ service: 'ticker' }, (line) => log.service('ticker', line)),
      onFailed: () => this.#forgetSession(),
    });
  }

  /** Throws PROGRAM when another process runs from the same data folder. */
  async start(): Promise<void> {
    this.#release = takeLock(this.#settings.dataDir, 'ticker');
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#standDown();
    await this.#side?.close();
    this.#release();
  }

  async #refresh(): Promise<void> {
    const side = await this.#session();
    if (!(await this.#leads(side))) return this.#standDown();
    const busUrl = await this.#bus();
    // Read first: an insert that finds the row there would write nevertheless, every second.
    if ((await side.run(() => readBusAddress(side.client))) !== busUrl) {
      await side.run(() => recordBusAddress(side.client, busUrl));
      this.#log.info('the address of the bus is recorded at the provider');
    }
    const all = await side.run(tickedQueues);
    const queues = all.filter((queue) => queue.is_set);
    await this.#plain.serve(all.length > 0 && queues.length === 0);
    for (const [id, served] of [...this.#served]) {
      const isThere = queues.some((queue) => queue.id === id);
      if (isThere && served.busUrl === busUrl) continue;
      await (isThere ? served.stop() : served.forget());
      this.#served.delete(id);
    }
    for (const { id, queue } of queues) {
      if (this.#served.has(id)) continue;
      const served = new ServedQueue(queue, busUrl, { settings: this.#settings, log: this.#log });
      this.#served.set(id, served);
      served.start();
    }
  }

  /** The leadership lock belongs to the session: it is kept as long as the session lives. */
  async #leads(side: Side): Promise<boolean> {
    if (this.#isLeader) return true;
    this.#isLeader = await side.run(() => tryLead(side.client, 'classic ticker'));
    const now = this.#isLeader ? 'leading: serving the queues' : 'another ticker runs for this database: on standby';
    if (now !== this.#reportedRole) this.#log.info(now);
    this.#reportedRole = now;
    return this.#isLeader;
  }

  /** A session at the provider; a new one first installs or updates the schemas. */
  async #session(): Promise<Side> {
    if (this.#side !== undefined) return this.#side;
    const side = await Side.open(this.#settings.providerUrl, 'the provider');
    try {
      await this.#install(side);
    } catch (error) {
      await side.close();
      throw error;
    }
    this.#side = side;
    return side;
  }

  /** A role that may not install uses what is there. */
  async #install(side: Side): Promise<void> {
    try {
      const { migrations } = await side.run(() => installProvider(side.client));
      if (migrations.length > 0) this.#log.info('the schemas pgq and millrace are installed');
    } catch (error) {
      const isRight = toMillraceError(error).code === codes.PERMISSION;
      if (!isRight || !(await side.run(() => isProviderInstalled(side.client)))) throw error;
    }
  }

  async #forgetSession(): Promise<void> {
    const side = this.#side;
    this.#side = undefined;
    this.#isLeader = false;
    await side?.close();
  }

  async #bus(): Promise<string> {
    const { busUrl, dataDir, providerUrl, file } = this.#settings;
    if (busUrl !== undefined) return busUrl;
    if (this.#nats === undefined) {
      const nats = new OwnNats(configOf({ providerUrl, dataDir }, file), this.#log.warn);
      await nats.start();
      this.#nats = nats;
      this.#log.info('nats-server started');
    }
    if (this.#nats.url === undefined) throw new MillraceError(codes.PROGRAM, 'nats-server has no address');
    return this.#nats.url;
  }

  async #standDown(): Promise<void> {
    await this.#plain.serve(false);
    await Promise.all([...this.#served.values()].map((served) => served.stop()));
    this.#served.clear();
    await this.#nats?.stop();
    this.#nats = undefined;
  }
}
