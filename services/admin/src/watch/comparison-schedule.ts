import type { Config } from '@millrace/config';
import { parseDuration } from '@millrace/control';
import { type ComparisonRun, chooseTables, runComparison } from '@millrace/control/compare';
import { knownSubscribers, ProviderSide, reachable } from '@millrace/control/sides';
import { RunLoop, type Service } from '@millrace/lifecycle';
import { parseTableName, tableLabel } from '@millrace/model';
import type { Logger } from '@millrace/telemetry';
import { dueComparisons } from './due-comparisons.ts';

const lookMs = 30_000;
const timeoutMs = 60_000;

/** Compares tables when their last comparison is older than the configuration's `compare.every`. Undefined without that key. */
export function comparisonSchedule(config: Config, log: Logger): Service | undefined {
  const wished = config.compare;
  if (wished === undefined || config.provider === undefined) return undefined;
  const everyMs = parseDuration(wished.every, 'compare.every');
  const tables = wished.tables?.map(parseTableName);
  const tried = new Map<string, number>();
  return new RunLoop({
    name: 'comparison schedule',
    runOnce: async (signal) => {
      for (const due of await findDue(config, { everyMs, tables, tried })) {
        if (signal.aborted) break;
        for (const name of due.subscribers) tried.set(name, Date.now());
        const note = (line: string) => log.warn(line);
        tell(log, await runComparison(config, { ...due, limit: 0, timeoutMs, note }));
      }
      return Math.min(lookMs, everyMs);
    },
    backoff: { minMs: 1000, maxMs: lookMs },
    log,
  });
}

async function findDue(
  config: Config,
  wished: { everyMs: number; tables: Parameters<typeof chooseTables>[1]; tried: ReadonlyMap<string, number> },
) {
  const provider = await ProviderSide.open(config);
  try {
    const overview = await provider.overview();
    const names = reachable(config, knownSubscribers(config, overview.subscribers));
    const tables = chooseTables(overview, wished.tables);
    const { everyMs, tried } = wished;
    return dueComparisons(overview, { names, tables, everyMs, tried, now: Date.now() });
  } finally {
    await provider.close();
  }
}

/** Names and numbers only: keys are values of rows. */
function tell(log: Logger, { results, absent }: ComparisonRun): void {
  for (const one of results) {
    const { subscriber, state, tick, reason, missing, extra, different } = one;
    const facts = { subscriber, table: tableLabel(one), state, tick, reason, missing, extra, different };
    if (state === 'equal') log.info(facts, 'compared');
    else log.warn(facts, state === 'different' ? 'a table differs from the provider' : 'a table was not compared');
  }
  for (const { name, reason } of absent) log.warn({ subscriber: name, reason }, 'a subscriber was not compared');
}
