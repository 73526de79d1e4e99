// The options of this service: what it takes from the configuration, and the bounds that need no option.
import { busKeys, busUrl, type Config, needQueueDatabase, queueDatabases, startFromArgs } from '@millrace/config';
import { Keyring } from '@millrace/wire';

/** The set of a provider. */
export interface SetTickerOptions {
  readonly queue: string;
  readonly providerUrl: string;
  /** Pause between polls while changes arrive, milliseconds. From `ticker.active_ms`. */
  readonly activeMs: number;
  /** Maximal pause between polls while nothing arrives, milliseconds. From `ticker.idle_ms`. */
  readonly idleMs: number;
  /** The URL of the bus now; undefined while it is not known. Called at every attempt: `up` may move its server. */
  readonly busUrl: () => string | undefined;
  /** Signs notices and pulses. */
  readonly keyring: Keyring;
  /** Pause between two passes over the triggers, milliseconds. */
  readonly triggersMs: number;
  /** How often a standby requests the leadership, milliseconds. */
  readonly standbyMs: number;
}

/** A database and its queues that carry no tables. */
export interface DatabaseTickerOptions {
  /** As people call the database: `provider`, or its name below `databases`. */
  readonly database: string;
  readonly url: string;
  /** Pause between polls of its queues, milliseconds. From `ticker.queues_ms`. */
  readonly queuesMs: number;
  /** Between two moves of retried events, milliseconds. From `ticker.retry_ms`. */
  readonly retryMs: number;
  /** Between two rounds of maintenance, milliseconds. From `ticker.maintenance_ms`. */
  readonly maintenanceMs: number;
  /** Between two lines of statistics, milliseconds; 0 = none. From `ticker.statistics_ms`. */
  readonly statisticsMs: number;
  /** Between two readings for metrics, milliseconds. */
  readonly figuresMs: number;
  /** How often a standby requests the leadership, milliseconds. */
  readonly standbyMs: number;
}

/** Everything a process serves. */
export interface TickerPlan {
  /** Undefined where the configuration names no provider. */
  readonly set: SetTickerOptions | undefined;
  readonly databases: DatabaseTickerOptions[];
}

const triggersMs = 5_000;
const figuresMs = 5_000;
const standbyMs = 1_000;

/** Reads arguments and configuration. Throws USAGE or CONFIG. */
export function tickerStart(args?: string[]) {
  const start = startFromArgs('ticker', args);
  return { ...start, plan: tickerPlan(start.config) };
}

/** Throws CONFIG when there is nothing to tick. */
function tickerPlan(config: Config): TickerPlan {
  const databases = queueDatabases(config);
  if (databases.length === 0) needQueueDatabase(config);
  const { queues_ms, retry_ms, maintenance_ms, statistics_ms } = config.ticker;
  return {
    set: setOptions(config),
    databases: databases.map(({ name, url }) => ({
      database: name,
      url,
      queuesMs: queues_ms,
      retryMs: retry_ms,
      maintenanceMs: maintenance_ms,
      statisticsMs: statistics_ms,
      figuresMs: figuresMs,
      standbyMs: standbyMs,
    })),
  };
}

function setOptions(config: Config): SetTickerOptions | undefined {
  if (config.provider === undefined) return undefined;
  return {
    queue: config.queue,
    providerUrl: config.provider.url,
    activeMs: config.ticker.active_ms,
    idleMs: config.ticker.idle_ms,
    busUrl: () => busUrl(config),
    keyring: new Keyring(config.queue, busKeys(config)),
    triggersMs: triggersMs,
    standbyMs: standbyMs,
  };
}
