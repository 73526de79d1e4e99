// The options of this service: what it takes from the configuration, and the bounds that need no option.
import { availableParallelism } from 'node:os';
import { busUrl, type Config, needSubscriberUrl, startFromArgs } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import type { CopyWay } from './copy/sync-table.ts';
import type { Freshness } from './report/freshness.ts';

export interface ReplayOptions {
  readonly queue: string;
  /** The subscriber's name. */
  readonly subscriber: string;
  readonly subscriberUrl: string;
  /** Where the bus is at this moment; undefined while nobody knows. Asked at every attempt: `up` may move its server. */
  readonly busUrl: () => string | undefined;
  /** Between two looks at the wishes while nothing comes and nobody tells of a change, ms. */
  readonly idleMs: number;
  /** After what a person must repair it is tried again so much later, ms. */
  readonly retryMs: number;
  /** How often a stand-by asks for the lead, ms. */
  readonly standbyMs: number;
  /** Rows that are not as the provider's changes expect: stop, or make them right and count them. */
  readonly conflicts: 'stop' | 'upsert';
  /** Batches up to this size are held in memory as a whole, bytes. */
  readonly wholeBytes: number;
  /** Longest wait for the next chunk of a begun batch, ms. */
  readonly chunkTimeoutMs: number;
  /** How copies are loaded. */
  readonly copies: CopyWay;
  /** Told of every position. Left out: nobody asks how far behind we are. */
  readonly freshness?: Freshness;
}

export const replayDefaults = {
  idleMs: 2000,
  retryMs: 1500,
  standbyMs: 1000,
  conflicts: 'stop',
  wholeBytes: 4 * 1024 * 1024,
  chunkTimeoutMs: 15_000,
  copies: { directBytes: 1024 * 1024 * 1024, partBytes: 16 * 1024 * 1024, lanes: 1 },
} as const;

/** Reads arguments and configuration. Throws USAGE or CONFIG. */
export function replayStart(args?: string[]) {
  const start = startFromArgs('replay', args);
  if (start.name === undefined) throw new MillraceError(codes.USAGE, 'replay needs --name');
  return { ...start, name: start.name, options: replayOptions(start.config, start.name) };
}

function defaultLoaders(): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2)));
}

/** The options as the configuration gives them. Throws CONFIG when it does not know the subscriber or its url. */
function replayOptions(config: Config, name: string): ReplayOptions {
  return {
    ...replayDefaults,
    copies: { ...replayDefaults.copies, lanes: config.copies.loaders ?? defaultLoaders() },
    queue: config.queue,
    subscriber: name,
    subscriberUrl: needSubscriberUrl(config, name),
    busUrl: () => busUrl(config),
  };
}
