// The options of this service: what it takes from the configuration, and the bounds that need no option.
import { busUrl, type Config, needProvider, startFromArgs } from '@millrace/config';

export type TickerOptions = {
  queue: string;
  providerUrl: string;
  /** Pause between looks while changes arrive, milliseconds. From `ticker.active_ms`. */
  activeMs: number;
  /** Longest pause between looks while nothing arrives, milliseconds. From `ticker.idle_ms`. */
  idleMs: number;
  /** Where the bus is at this moment; undefined while nobody knows. Asked at every attempt: `up` may move its server. */
  busUrl: () => string | undefined;
  /** Pause between two passes of maintenance, milliseconds. */
  maintenanceMs: number;
  /** How often a stand-by asks for the lead, milliseconds. */
  standbyMs: number;
};

/** Between two looks at the triggers, and the longest wait for a due rotation. */
const MAINTENANCE_MS = 5_000;
const STANDBY_MS = 1_000;

/** Reads arguments and configuration. Throws USAGE or CONFIG. */
export function tickerStart(args?: string[]) {
  const start = startFromArgs('ticker', args);
  return { ...start, options: tickerOptions(start.config) };
}

/** The options as the configuration gives them. Throws CONFIG when it names no provider. */
function tickerOptions(config: Config): TickerOptions {
  return {
    queue: config.queue,
    providerUrl: needProvider(config).url,
    activeMs: config.ticker.active_ms,
    idleMs: config.ticker.idle_ms,
    busUrl: () => busUrl(config),
    maintenanceMs: MAINTENANCE_MS,
    standbyMs: STANDBY_MS,
  };
}
