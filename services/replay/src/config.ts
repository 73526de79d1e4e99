// The options of this service: those of the configuration, and bounds that nobody configures.
import { availableParallelism } from 'node:os';
import { busKeys, busUrl, type Config, needSubscriberUrl, startFromArgs } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { Keyring } from '@millrace/wire';
import type { CopyOptions } from './copy/load-opener.ts';
import type { Freshness } from './report/freshness.ts';

export interface ReplayOptions {
  readonly queue: string;
  /** The subscriber's name. */
  readonly subscriber: string;
  readonly subscriberUrl: string;
  /** Where the bus is now; undefined while that is not known. Called at every attempt: an embedded server may move. */
  readonly busUrl: () => string | undefined;
  /** Signs reports, and judges what comes over the bus. */
  readonly keyring: Keyring;
  /** How often the desired state is read while no batch comes and no change is notified, ms. */
  readonly idleMs: number;
  /** Pause before the next attempt after what a person must repair, ms. */
  readonly retryMs: number;
  /** Longest time for which a batch that was refused is not tried again, unless signs of a repair appear, ms. */
  readonly maxRetryMs: number;
  /** How often a standby requests the leadership, ms. */
  readonly standbyMs: number;
  /** What to do about rows that are not as the provider's changes expect: stop, or correct and count them. */
  readonly conflicts: 'stop' | 'upsert';
  /** Batches up to this size are kept in memory as a whole, bytes. */
  readonly wholeBytes: number;
  /** Longest wait for the next chunk of a begun batch, ms. */
  readonly chunkTimeoutMs: number;
  /** How copies are loaded. */
  readonly copies: CopyOptions;
  /** Follows the position. Left out: nobody requests how far behind this replay is. */
  readonly freshness?: Freshness;
}

export const replayDefaults = {
  idleMs: 2000,
  retryMs: 1500,
  maxRetryMs: 20_000,
  standbyMs: 1000,
  conflicts: 'stop',
  wholeBytes: 4 * 1024 * 1024,
  chunkTimeoutMs: 15_000,
  copies: { directBytes: 1024 * 1024 * 1024, partBytes: 16 * 1024 * 1024, sessions: 1 },
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
    copies: { ...replayDefaults.copies, sessions: config.copies.loaders ?? defaultLoaders() },
    queue: config.queue,
    subscriber: name,
    subscriberUrl: needSubscriberUrl(config, name),
    busUrl: () => busUrl(config),
    keyring: new Keyring(config.queue, busKeys(config)),
  };
}
