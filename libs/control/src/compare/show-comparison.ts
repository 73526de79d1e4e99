import { tableLabel } from '@millrace/model';
import { z } from 'zod';
import { showCount } from '../command/show.ts';
import type { ComparisonRun, TableResult } from './comparison-run.ts';
import type { KeyDifference } from './merge-rows.ts';

const count = z.int().nullable().describe('null: not compared');

const comparedTable = z.strictObject({
  name: z.string().describe('as in SQL'),
  schema: z.string(),
  table: z.string(),
  subscriber: z.string(),
  state: z.enum(['equal', 'different', 'not-compared']),
  reason: z.string().nullable().describe('why it was not compared'),
  tick: z.int().nullable().describe('both sides as of this tick'),
  provider_rows: count,
  subscriber_rows: count,
  missing: count.describe('rows that only the provider has'),
  extra: count.describe('rows that only the subscriber has'),
  different: count.describe('rows that both have, not the same'),
  differences: z.array(
    z.strictObject({
      kind: z.enum(['missing', 'extra', 'different']),
      key: z.record(z.string(), z.string()).describe('key columns as text'),
    }),
  ),
  all_listed: z.boolean().describe('false: there are more differences than are listed'),
});

export const comparisonDocumentSchema = z.strictObject({
  queue: z.string(),
  equal: z.boolean().describe('everything requested was compared, and nothing differs'),
  tables: z.array(comparedTable),
  subscribers_not_compared: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});

/** True when everything requested was compared, and nothing differs. */
export function isAllEqual({ results, absent }: ComparisonRun): boolean {
  return absent.length === 0 && results.every(({ state }) => state === 'equal');
}

/** True when everything requested was compared. */
export function isAllCompared({ results, absent }: ComparisonRun): boolean {
  return absent.length === 0 && results.every(({ state }) => state !== 'not-compared');
}

/** The document of `compare --json`. */
export function comparisonDocument(queue: string, run: ComparisonRun): z.infer<typeof comparisonDocumentSchema> {
  return {
    queue,
    equal: isAllEqual(run),
    tables: run.results.map(resultDocument),
    subscribers_not_compared: run.absent.map(({ name, reason }) => ({ name, reason })),
  };
}

function resultDocument(result: TableResult): z.infer<typeof comparedTable> {
  const { subscriber, schema, name, state, reason, tick, missing, extra, different, differences, key } = result;
  return {
    name: tableLabel(result),
    schema,
    table: name,
    subscriber,
    state,
    reason,
    tick,
    provider_rows: result.providerRows,
    subscriber_rows: result.subscriberRows,
    missing,
    extra,
    different,
    differences: differences.map((one) => ({ kind: one.kind, key: keyObject(key, one) })),
    all_listed: state !== 'not-compared' && differences.length === (missing ?? 0) + (extra ?? 0) + (different ?? 0),
  };
}

function keyObject(key: readonly string[], difference: KeyDifference): Record<string, string> {
  return Object.fromEntries(key.map((column, at) => [column, difference.key[at] ?? '']));
}

/** The result for people: a line for each table at each subscriber, keys of rows that differ, and what was not compared. */
export function showComparison({ results, absent }: ComparisonRun): string {
  const lines = results.flatMap((result) => [showResult(result), ...keyLines(result)]);
  lines.push(...absent.map(({ name, reason }) => `${name}: not compared: ${reason}`));
  return lines.length === 0 ? 'no subscriber follows a table: nothing to compare' : lines.join('\n');
}

function showResult(result: TableResult): string {
  const head = `${result.subscriber}: ${tableLabel(result)}`;
  const at = `at tick ${result.tick}`;
  if (result.state === 'not-compared') return `${head}: not compared: ${result.reason}`;
  if (result.state === 'equal') return `${head}: equal, ${showCount(result.providerRows)} rows ${at}`;
  const { missing, extra, different } = result;
  return `${head}: differs ${at}: ${showCount(missing)} missing, ${showCount(extra)} extra, ${showCount(different)} different`;
}

function keyLines({ key, differences, missing, extra, different }: TableResult): string[] {
  const lines = differences.map((one) => {
    const columns = key.map((column, at) => `${column}=${JSON.stringify(one.key[at])}`);
    return `  ${one.kind.padEnd(9)}  ${columns.join(', ')}`;
  });
  const more = (missing ?? 0) + (extra ?? 0) + (different ?? 0) - differences.length;
  return more > 0 ? [...lines, `  and ${showCount(more)} more; --limit lists more of them`] : lines;
}
