// The options of this service: what it takes from the configuration, and the bounds that need no option.
import { busUrl, type Config, needQueueDatabase, queueDatabases, startFromArgs } from '@millrace/config';

/** The set of a provider. */
export type TickerOptions = {
  queue: string;
  providerUrl: string;
  /** Pause between looks while changes arrive, milliseconds. From `ticker.active_ms`. */
  activeMs: number;
  /** Longest pause between looks while nothing arrives, milliseconds. From `ticker.idle_ms`. */
  idleMs: number;
  /** Where the bus is at this moment; undefined while nobody knows. Asked at every attempt: `up` may move its server. */
  busUrl: () => string | undefined;
  /** Pause between two looks at the triggers, milliseconds. */
  triggersMs: number;
  /** How often a stand-by asks for the lead, milliseconds. */
  standbyMs: number;
};

/** A database and its queues that carry no tables. */
export type QueueTickerOptions = {
  /** As people call the database: `provider`, or its name below `databases`. */
  database: string;
  url: string;
  /** Pause between looks at its queues, milliseconds. From `ticker.queues_ms`. */
  queuesMs: number;
  /** Between two moves of retried events, milliseconds. From `ticker.retry_ms`. */
  retryMs: number;
  /** Between two rounds of maintenance, milliseconds. From `ticker.maintenance_ms`. */
  maintenanceMs: number;
  /** Between two lines of statistics, milliseconds; 0 = none. From `ticker.statistics_ms`. */
  statisticsMs: number;
  /** Between two looks for metrics, milliseconds. */
  figuresMs: number;
  /** How often a stand-by asks for the lead, milliseconds. */
  standbyMs: number;
};

/** Everything a process serves. */
export type TickerPlan = {
  /** Undefined where the configuration names no provider. */
  set: TickerOptions | undefined;
  databases: QueueTickerOptions[];
};

const TRIGGERS_MS = 5_000;
const FIGURES_MS = 5_000;
const STANDBY_MS = 1_000;

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
      figuresMs: FIGURES_MS,
      standbyMs: STANDBY_MS,
    })),
  };
}

function setOptions(config: Config): TickerOptions | undefined {
  if (config.provider === undefined) return undefined;
  return {
    queue: config.queue,
    providerUrl: config.provider.url,
    activeMs: config.ticker.active_ms,
    idleMs: config.ticker.idle_ms,
    busUrl: () => busUrl(config),
    triggersMs: TRIGGERS_MS,
    standbyMs: STANDBY_MS,
  };
}
