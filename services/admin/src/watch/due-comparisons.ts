import type { ProviderOverview } from '@millrace/control/sides';
import { sameTable, type TableName } from '@millrace/model';

/** Subscribers that are to be compared together: the provider is then read once for them. */
export interface DueComparison {
  readonly subscribers: readonly string[];
  readonly tables: readonly TableName[];
}

export interface DueQuestion {
  readonly names: readonly string[];
  readonly tables: readonly TableName[];
  readonly everyMs: number;
  /** When we last tried, by subscriber, ms since 1970: one that cannot be compared is not tried all the time. */
  readonly tried: ReadonlyMap<string, number>;
  readonly now: number;
}

/** Which tables were compared so long ago that it is time again; with those that never were. */
export function dueComparisons(
  { comparisons }: Pick<ProviderOverview, 'comparisons'>,
  { names, tables, everyMs, tried, now }: DueQuestion,
): DueComparison[] {
  const isDue = (name: string) => (table: TableName) => {
    const noted = comparisons.find((one) => one.subscriber === name && sameTable(one, table));
    const last = Math.max(tried.get(name) ?? 0, noted === undefined ? 0 : Date.parse(noted.comparedAt));
    return now - last >= everyMs;
  };
  const due = names
    .map((name) => ({ name, tables: tables.filter(isDue(name)) }))
    .filter((one) => one.tables.length > 0);
  const together = Map.groupBy(due, (one) => JSON.stringify(one.tables.map(({ schema, name }) => [schema, name])));
  return [...together.values()].map((group) => ({
    subscribers: group.map(({ name }) => name),
    tables: group[0]?.tables ?? [],
  }));
}
