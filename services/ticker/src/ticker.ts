// All that one process of the ticker serves: the set of a provider, and the queues that carry no tables, database by database.
import { type Service, ServiceGroup } from '@millrace/lifecycle';
import type { TickerPlan } from './config.ts';
import { makeDatabaseTicker } from './database/database-ticker.ts';
import { makeSetTicker } from './set/set-ticker.ts';

/** The tickers as one service, ready when all are. Each waits for its own database. */
export function makeTickers({ set, databases }: TickerPlan): Service {
  const members = databases.map(makeDatabaseTicker);
  return new ServiceGroup(set === undefined ? members : [makeSetTicker(set), ...members]);
}
