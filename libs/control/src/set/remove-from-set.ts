// What `remove` and `remove-seq` share: off the subscribers, and out of the set when no subscriber is left.
import type { Config } from '@millrace/config';
import { codes } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableLabel } from '@millrace/model';
import type { ProviderOverview } from '@millrace/provider';
import type { Arguments, Context } from '../command/command.ts';
import { distinctTables } from '../preflight/named.ts';
import { refuseOn } from '../preflight/refusals.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { closeTargets, openTargets, type Target } from './targets.ts';

/** How objects of one kind are removed. */
export interface Removal {
  readonly kind: 'table' | 'sequence';
  readonly inSet: (overview: ProviderOverview) => readonly TableName[];
  readonly existsAtProvider: (provider: ProviderSide, object: TableName) => Promise<boolean>;
  /** Whether a subscriber still follows the object. */
  readonly isFollowed: (target: Target, object: TableName) => Promise<boolean>;
  /** Throws when these subscribers cannot stop following from here. */
  readonly refuse?: (targets: readonly Target[], objects: readonly TableName[]) => void;
  /** Stops following at these subscribers; true when one did follow. */
  readonly leaveSubscribers: (work: RemovalWork, object: TableName) => Promise<boolean>;
  /** Before it is known whether the object stays in the set. */
  readonly beforeSet?: (work: RemovalWork, provider: ProviderSide, object: TableName) => Promise<void>;
  readonly leaveSet: (work: RemovalWork, provider: ProviderSide, object: TableName) => Promise<void>;
  /** The last line about an object; undefined: none. */
  readonly lastLine: (label: string, changed: boolean) => string | undefined;
}

export interface RemovalWork {
  readonly targets: readonly Target[];
  readonly note: (line: string) => void;
}

/** Runs the verb. Resolves to its exit code. */
export async function removeFromSet(context: Context, args: Arguments, removal: Removal): Promise<number> {
  const { note } = context;
  const objects = objectsIn(args, removal);
  const config = await context.config();
  const provider = config.provider === undefined ? undefined : await ProviderSide.open(config);
  let targets: Target[] = [];
  try {
    await provider?.lockChanges();
    const overview = await provider?.overview();
    const known = knownSubscribers(config, overview?.subscribers);
    const names = chooseSubscribers(args.values('subscriber'), known);
    targets = await openTargets(config, names);
    const set = overview === undefined ? [] : removal.inSet(overview);
    if (provider !== undefined) await refuseUnknown(provider, { removal, set, objects });
    removal.refuse?.(targets, objects);
    const others = known.filter((name) => !names.includes(name));
    const removed: string[] = [];
    for (const object of objects) {
      let changed = await removal.leaveSubscribers({ targets, note }, object);
      if (provider !== undefined && set.some((one) => sameTable(one, object))) {
        await removal.beforeSet?.({ targets, note }, provider, object);
        const holding = await stillFollowing(config, others, { object, isFollowed: removal.isFollowed });
        if (holding.length > 0) note(`${tableLabel(object)} stays in the set for ${holding.join(', ')}`);
        else await removal.leaveSet({ targets, note }, provider, object);
        changed ||= holding.length === 0;
      }
      if (changed) removed.push(tableLabel(object));
      const line = removal.lastLine(tableLabel(object), changed);
      if (line !== undefined) note(line);
    }
    context.result({ removed, subscribers: names }, '');
    return 0;
  } finally {
    await closeTargets(targets);
    await provider?.close();
  }
}

function objectsIn({ words }: Arguments, { kind }: Removal): TableName[] {
  const objects = words.map(parseTableName);
  return kind === 'table' ? distinctTables(objects) : objects;
}

interface Named {
  readonly removal: Removal;
  readonly set: readonly TableName[];
  readonly objects: readonly TableName[];
}

/** A name that is neither in the set nor at the provider is most likely mistyped. */
async function refuseUnknown(provider: ProviderSide, { removal, set, objects }: Named): Promise<void> {
  for (const object of objects) {
    if (set.some((one) => sameTable(one, object)) || (await removal.existsAtProvider(provider, object))) continue;
    const text = `there is no ${removal.kind} ${tableLabel(object)}, in the set or at the provider`;
    refuseOn([{ code: codes.NOT_FOUND, text }]);
  }
}

/**
 * Which of these other subscribers still follow the object. One that cannot be queried counts as following it: then the
 * provider goes on capturing, which costs a little and loses nothing.
 */
async function stillFollowing(
  config: Config,
  others: readonly string[],
  { object, isFollowed }: { object: TableName; isFollowed: Removal['isFollowed'] },
): Promise<string[]> {
  const following: string[] = [];
  for (const name of others) {
    let targets: Target[] = [];
    try {
      targets = await openTargets(config, [name]);
      for (const target of targets) if (await isFollowed(target, object)) following.push(name);
    } catch {
      following.push(name);
    } finally {
      await closeTargets(targets);
    }
  }
  return following;
}
