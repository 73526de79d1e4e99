// The lists of `pgqadm`, in the columns that they have always had.

import type { ConsumerStatus, QueueStatus } from '@millrace/provider';

const rule = '-'.repeat(78);

/** `status`: a line a queue with event tables and rotation, ticking rule, and the age of the newest tick. */
export function showQueues(rows: readonly QueueStatus[]): string {
  const lines = rows.map((row) => {
    const rotation = `${row.tables}/${short(row.rotation)}`;
    const ticker = `${row.max_count}/${short(row.max_lag)}/${short(row.idle)}`;
    return queueLine(row.name, rotation, [ticker, short(row.ticker_lag)]);
  });
  return [queueLine('Event queue', 'Rotation', ['Ticker', 'TLag']), rule, ...lines, rule].join('\n');
}

/** `status`: below each queue its consumers, how old the last tick they have is, and when they were last seen. */
export function showConsumers(rows: readonly ConsumerStatus[]): string {
  const lines: string[] = [];
  let queue: string | undefined;
  for (const row of rows) {
    if (row.queue !== queue) lines.push(`${row.queue}:`);
    queue = row.queue;
    lines.push(consumerLine(`    ${row.name}`, short(row.lag), short(row.last_seen)));
  }
  return [consumerLine('Consumer', 'Lag', 'LastSeen'), rule, ...lines, rule].join('\n');
}

/** `config`: each queue and below it its settings. */
export function showConfig(rows: readonly QueueStatus[]): string {
  return rows
    .flatMap((row) => [
      row.name,
      ...(
        [
          ['ticker_max_count', row.max_count],
          ['ticker_max_lag', row.max_lag],
          ['ticker_idle_period', row.idle],
          ['ticker_paused', row.paused],
          ['rotation_period', row.rotation],
        ] as const
      ).map(([key, value]) => `    ${key.padEnd(20)}= ${value}`),
    ])
    .join('\n');
}

function queueLine(name: string, rotation: string, [ticker, lag]: readonly [string, string]): string {
  return `${name.padEnd(34)}${rotation.padStart(12)} ${ticker.padStart(19)} ${lag.padStart(11)}`;
}

function consumerLine(name: string, lag: string, seen: string): string {
  return `${name.padEnd(54)}${lag.padStart(11)} ${seen.padStart(12)}`;
}

/** A server's interval as seconds, minutes and so on: `2h`, `3s`, `1h5m`. */
function short(interval: string | null | undefined): string {
  if (interval === null || interval === undefined) return '-';
  const match = /^(-?)(?:(\d+) days? ?)?(?:(\d+):(\d\d):(\d\d)(?:\.\d+)?)?$/.exec(interval);
  if (match === null) return interval;
  const [, sign = '', ...parts] = match;
  const shown = parts.map((part, at) => (Number(part ?? 0) === 0 ? '' : `${Number(part)}${'dhms'[at]}`)).join('');
  return shown === '' ? '0s' : `${sign}${shown}`;
}
