import { type Config, queueDatabases } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';

/** What `up` may run: a service, one subscriber's replay, or the bus. */
export type PartName = 'nats' | 'ticker' | 'capture' | 'admin' | `replay:${string}`;

/** Whether tables are replicated here; a host may as well serve queues only. */
export function replicates(config: Config): boolean {
  return config.provider !== undefined || Object.keys(config.subscribers).length > 0;
}

/** All parts that the configuration has on this host. */
export function allParts(config: Config): PartName[] {
  const replays = Object.entries(config.subscribers).flatMap(([name, { url }]) =>
    url === undefined ? [] : [`replay:${name}` as const],
  );
  const ticker = queueDatabases(config).length === 0 ? [] : (['ticker'] as const);
  const capture = config.provider === undefined ? [] : (['capture'] as const);
  const nats = config.bus.url === undefined && replicates(config) ? (['nats'] as const) : [];
  return [...nats, ...ticker, ...capture, ...replays, 'admin'];
}

/** The parts named by `--only`; all when it was not given. Throws USAGE for a part that is not there. */
export function chooseParts(config: Config, only: string | undefined): PartName[] {
  const there = allParts(config);
  if (only === undefined) return there;
  const words = only
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0)
    throw new MillraceError(codes.USAGE, '--only names no part', { advice: `parts are ${there.join(', ')}` });
  const chosen = words.flatMap((word) => {
    const found = there.filter((part) => part === word || (word === 'replay' && part.startsWith('replay:')));
    if (found.length > 0) return found;
    throw new MillraceError(codes.USAGE, `--only: there is no part ${JSON.stringify(word)} here`, {
      advice: `parts are ${there.join(', ')}`,
    });
  });
  return [...new Set(chosen)];
}

/** The subscriber of a replay part. */
export function subscriberOf(part: PartName): string | undefined {
  return part.startsWith('replay:') ? part.slice('replay:'.length) : undefined;
}
