// What may be set of a queue, as words of a command line.
import { codes, MillraceError } from '@millrace/errors';
import { type QueueParameter, queueParameters } from '@millrace/provider';
import type { Arguments, OptionSpec } from '../command/command.ts';
import type { QueueDocument } from './documents.ts';

/** A parameter and its value; null: never. */
export type Setting = readonly [QueueParameter, string | null];

const helps: Readonly<Record<QueueParameter, string>> = {
  ticker_max_count: 'tick after this number of new events; default: 500',
  ticker_max_lag: 'tick when there are new events and the last tick is this old; default: 3 seconds',
  ticker_idle_period: 'longest gap between ticks without events; default: 1 minute',
  ticker_paused: 'whether no ticks are made for now',
  rotation_period: 'how often event tables are rotated, or never; default: 2 hours',
  external_ticker: 'whether its ticks are made elsewhere',
};

/** `--ticker-max-lag VALUE` and so on. */
export const parameterOptions: Readonly<Record<string, OptionSpec>> = Object.fromEntries(
  queueParameters.map((name) => [name.replaceAll('_', '-'), { type: 'string', value: 'VALUE', help: helps[name] }]),
);

/** What was given as such options. Throws USAGE. */
export function settingsOf(args: Arguments): Setting[] {
  return queueParameters.flatMap((name) => {
    const value = args.value(name.replaceAll('_', '-'));
    return value === undefined ? [] : [settingOf(name, value)];
  });
}

/** `ticker_max_lag=1s`; `-` for `_` and a leading `queue_` do as well. Throws USAGE naming what there is. */
export function parseSetting(pair: string): Setting {
  const at = pair.indexOf('=');
  const key = pair
    .slice(0, Math.max(0, at))
    .trim()
    .replaceAll('-', '_')
    .replace(/^queue_/, '');
  const name = queueParameters.find((one) => one === key);
  if (name !== undefined) return settingOf(name, pair.slice(at + 1).trim());
  const what = at < 0 ? `${JSON.stringify(pair)} is not KEY=VALUE` : `a queue has no parameter ${JSON.stringify(key)}`;
  throw new MillraceError(codes.USAGE, what, { advice: `parameters are ${queueParameters.join(', ')}` });
}

function settingOf(name: QueueParameter, value: string): Setting {
  return [name, name === 'rotation_period' && value === 'never' ? null : value];
}

/** A queue's settings, in PgQ's words. */
export function settingsOfQueue(queue: QueueDocument): Record<QueueParameter, string | number | boolean | null> {
  const { ticker_max_count, ticker_max_lag, ticker_idle_period, ticker_paused, rotation_period, external_ticker } =
    queue;
  return { ticker_max_count, ticker_max_lag, ticker_idle_period, ticker_paused, rotation_period, external_ticker };
}
