// The options of this service: what it takes from the configuration, and the bounds that need no option.
import { availableParallelism } from 'node:os';
import { busKeys, busUrl, type Config, needProvider, startFromArgs } from '@millrace/config';
import { Keyring } from '@millrace/wire';

export interface CaptureOptions {
  readonly queue: string;
  readonly providerUrl: string;
  /** Where the bus is at this moment; undefined while that is not known. Called at every attempt: `up` may move its server. */
  readonly busUrl: () => string | undefined;
  /** Signs what is sent over the bus, and judges what comes over it. */
  readonly keyring: Keyring;
  /** Between two polls for ticks while no notices of ticks arrive, ms. */
  readonly pollMs: number;
  /** Between two passes over reports and desired state, ms. */
  readonly releaseMs: number;
  /** How often a standby requests the leadership, ms. */
  readonly standbyMs: number;
  /** A running subscriber whose position has not moved for this time, although there are newer ticks, gets a backfill, ms. */
  readonly stuckMs: number;
  /** A copy no longer waits for a subscriber that takes nothing of it for this time, ms. */
  readonly copyTimeoutMs: number;
  /** Sessions that read one large table. From `copies.readers`. */
  readonly copyReaders: number;
  /** Pages that one of them reads at a time. */
  readonly copyPartPages: number;
  /** Bounds of the streams, bytes. */
  readonly streamBytes: number;
  readonly copyStreamBytes: number;
}

/** The queue, and where it is. */
export type ProviderQueue = Pick<CaptureOptions, 'queue' | 'providerUrl'>;

const mb = 1024 * 1024;

export const captureDefaults = {
  pollMs: 250,
  releaseMs: 1000,
  standbyMs: 1000,
  stuckMs: 3000,
  copyTimeoutMs: 30_000,
  copyReaders: 1,
  copyPartPages: 8192,
  streamBytes: 512 * mb,
  copyStreamBytes: 256 * mb,
} as const;

/** Reads arguments and configuration. Throws USAGE or CONFIG. */
export function captureStart(args?: string[]) {
  const start = startFromArgs('capture', args);
  return { ...start, options: captureOptions(start.config) };
}

/** The options as the configuration gives them. Throws CONFIG when it names no provider. */
function captureOptions(config: Config): CaptureOptions {
  return {
    ...captureDefaults,
    copyReaders: config.copies.readers ?? Math.max(1, Math.min(4, Math.floor(availableParallelism() / 4))),
    queue: config.queue,
    providerUrl: needProvider(config).url,
    busUrl: () => busUrl(config),
    keyring: new Keyring(config.queue, busKeys(config)),
  };
}
