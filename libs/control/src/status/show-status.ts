import { showDuration } from '../command/duration.ts';
import { alignColumns, showBytes, showCount } from '../command/show.ts';
import { findingLine } from '../doctor/report.ts';
import type { CopyOutlook } from './copy-outlook.ts';
import type { Status, SubscriberStatus, TableStatus } from './status-document.ts';

/** The status for people: the queue, a line per subscriber, a line per table, then what is wrong. */
export function showStatus(status: Status): string {
  const parts = [headOf(status)];
  if (status.subscribers.length > 0) parts.push(subscriberLines(status));
  const tables = tableLines(status.subscribers);
  if (tables !== '') parts.push(tables);
  const wrong = faultsOf(status);
  if (wrong.length > 0) parts.push(wrong.join('\n'));
  return parts.join('\n\n');
}

function headOf({ queue, provider, bus }: Status): string {
  const tick = provider.tick === null ? provider.state : `tick ${showCount(provider.tick)}`;
  const held = provider.queue;
  const size =
    held === null
      ? []
      : [`${showCount(held.events)} events waiting to be released, ${showBytes(held.bytes)} of event tables`];
  const stream =
    bus.batches === null
      ? []
      : [`${showCount(bus.batches.messages)} messages on the bus, ${showBytes(bus.batches.bytes)}`];
  return [`queue ${queue}`, tick, ...size, ...stream].join('; ');
}

function subscriberLines({ subscribers }: Status): string {
  return alignColumns([
    ['SUBSCRIBER', 'STATE', 'TICK', 'LAG', 'TICKS BEHIND', 'TABLES OK'],
    ...subscribers.map((s) => [
      s.name,
      s.state,
      showCount(s.tick),
      showDuration(s.lag_ms),
      showCount(s.lag_ticks),
      `${s.tables.filter(({ state }) => state === 'ok').length} of ${s.tables.length}`,
    ]),
  ]);
}

function tableLines(subscribers: readonly SubscriberStatus[]): string {
  const names = [...new Set(subscribers.flatMap(({ tables }) => tables.map(({ name }) => name)))].sort();
  if (names.length === 0) return '';
  const rows = names.map((name) => [name, ...subscribers.map((s) => stateCell(s.tables.find((t) => t.name === name)))]);
  return alignColumns([['TABLE', ...subscribers.map(({ name }) => name)], ...rows]);
}

/** A table's state in one cell; a copy with its progress. */
function stateCell(table: TableStatus | undefined): string {
  if (table === undefined) return '-';
  if (table.state !== 'copying') return table.state;
  return `copying ${table.copy_progress ?? 0} % (${showCopy(table)})`;
}

/** How a copy stands: `1,200 rows, 64 kB of 128 kB, 300 rows/s, 4 s left`. */
export function showCopy(copy: CopyOutlook & { readonly copied_rows: number; readonly copied_bytes: number }): string {
  const { copied_rows, copied_bytes, total_bytes, rows_per_s, eta_s } = copy;
  return [
    `${showCount(copied_rows)} rows`,
    total_bytes === null ? showBytes(copied_bytes) : `${showBytes(copied_bytes)} of ${showBytes(total_bytes)}`,
    ...(rows_per_s === null ? [] : [`${showCount(rows_per_s)} rows/s`]),
    ...(eta_s === null ? [] : [`${showDuration(1000 * eta_s)} left`]),
  ].join(', ');
}

function faultsOf({ provider, bus, subscribers, warnings }: Status): string[] {
  return [
    ...(provider.error === null ? [] : [`provider: ${provider.error.message}`]),
    ...provider.services.flatMap((s) => (s.error === null ? [] : [`${s.name}: ${s.error.message}`])),
    ...provider.problems.map(({ table, problem }) => `${table}: ${problem}`),
    ...(bus.error === null ? [] : [`bus: ${bus.error.message}`]),
    ...subscribers.flatMap((s) => [
      ...(s.error === null ? [] : [`${s.name}: ${s.error.message}`]),
      ...(s.state === 'running' && s.configured ? [] : [`${s.name} is ${s.state}: ${s.explain}`]),
      ...s.tables.flatMap((t) => (t.error === null ? [] : [`${s.name}: ${t.name}: ${t.error}`])),
      ...s.tables.flatMap((t) => (t.warning === null ? [] : [`${s.name}: ${t.name}: ${t.warning}`])),
      ...s.tables.flatMap((t) => comparedLine(s.name, t)),
      ...s.tables.flatMap((t) => (t.state === 'held' ? [`${s.name}: ${t.name} is held: ${t.explain}`] : [])),
    ]),
    ...warnings.map(findingLine),
  ];
}

/** What the last comparison found, if the table differed. */
function comparedLine(subscriber: string, { name, comparison }: TableStatus): string[] {
  if (comparison?.state !== 'different') return [];
  const { missing, extra, different, tick, compared_at: at } = comparison;
  const found = `${showCount(missing)} missing, ${showCount(extra)} extra, ${showCount(different)} different`;
  const advice = `\`millrace repair ${name} --subscriber ${subscriber}\` shows how to make it equal`;
  return [`${subscriber}: ${name} differed at tick ${tick} (${at.slice(0, 19)}Z): ${found}; ${advice}`];
}
