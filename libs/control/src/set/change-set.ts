import type { Config } from '@millrace/config';
import { refuseUnregistered } from '../preflight/named.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import type { SetSides } from './read-facts.ts';
import { closeTargets, openTargets } from './targets.ts';

export interface ChangeOptions {
  /** Subscribers that were named; empty: all. */
  readonly named: readonly string[];
  /** Have the provider record first which tables were exchanged or lost their triggers. */
  readonly refreshTriggers?: boolean;
  /** Refuse a subscriber that only the configuration names. */
  readonly registeredOnly?: boolean;
}

/**
 * Opens the provider and the chosen subscribers for work on the set, of which only one command at a time changes something.
 * Throws USAGE for an unknown subscriber, and what the sides throw.
 */
export async function changeSet<T>(
  config: Config,
  { named, refreshTriggers = false, registeredOnly = false }: ChangeOptions,
  work: (sides: SetSides) => Promise<T>,
): Promise<T> {
  const provider = await ProviderSide.open(config);
  try {
    await provider.lockChanges();
    if (refreshTriggers) await provider.refreshTriggers();
    const overview = await provider.overview();
    const names = chooseSubscribers(named, knownSubscribers(config, overview.subscribers));
    if (registeredOnly) refuseUnregistered(names, overview);
    const targets = await openTargets(config, names);
    try {
      return await work({ provider, overview, targets });
    } finally {
      await closeTargets(targets);
    }
  } finally {
    await provider.close();
  }
}
