import type { Config } from '@millrace/config';
import { parseDuration } from '@millrace/control';
import { type ComparisonRun, chooseTables, runComparison } from '@millrace/control/compare';
import { knownSubscribers, ProviderSide, reachable } from '@millrace/control/sides';
import { RunLoop, type Service } from '@millrace/lifecycle';
import { parseTableName, tableLabel } from '@millrace/model';
import type { Logger } from '@millrace/telemetry';
import { dueComparisons } from './due-comparisons.ts';

const pollMs = 30_000;
const timeoutMs = 60_000;

/** Compares tables when their last comparison is older than the configuration's `compare.every`. Undefined without that key. */
export function comparisonSchedule(config: Config, log: Logger): Service | undefined {
  const schedule = config.compare;
  if (schedule === undefined || config.provider === undefined) return undefined;
  const everyMs = parseDuration(schedule.every, 'compare.every');
  const tables = schedule.tables?.map(parseTableName);
  const tried = new Map<string, number>();
  return new RunLoop({
    name: 'comparison schedule',
    runOnce: async (signal) => {
      for (const due of await findDue(config, { everyMs, tables, tried })) {
        if (signal.aborted) break;
        for (const name of due.subscribers) tried.set(name, Date.now());
        const note = (line: string) => log.warn(line);
        report(log, await runComparison(config, { ...due, limit: 0, timeoutMs, note }));
      }
      return Math.min(pollMs, everyMs);
    },
    backoff: { minMs: 1000, maxMs: pollMs },
    log,
  });
}

interface Schedule {
  readonly everyMs: number;
  readonly tables: Parameters<typeof chooseTables>[1];
  /** When a subscriber was last tried, ms since 1970. */
  readonly tried: ReadonlyMap<string, number>;
}

async function findDue(config: Config, { everyMs, tables: named, tried }: Schedule) {
  const provider = await ProviderSide.open(config);
  try {
    const overview = await provider.overview();
    const names = reachable(config, knownSubscribers(config, overview.subscribers));
    const tables = chooseTables(overview, named);
    return dueComparisons(overview, { names, tables, everyMs, tried, now: Date.now() });
  } finally {
    await provider.close();
  }
}

/** Names and numbers only: keys are values of rows. */
function report(log: Logger, { results, absent }: ComparisonRun): void {
  for (const one of results) {
    const { subscriber, state, tick, reason, missing, extra, different } = one;
    const facts = { subscriber, table: tableLabel(one), state, tick, reason, missing, extra, different };
    if (state === 'equal') log.info(facts, 'compared');
    else log.warn(facts, state === 'different' ? 'a table differs from the provider' : 'a table was not compared');
  }
  for (const { name, reason } of absent) log.warn({ subscriber: name, reason }, 'a subscriber was not compared');
}
