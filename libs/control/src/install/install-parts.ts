import { busUrl, type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { codes, type ErrorCode, MillraceError, toMillraceError } from '@millrace/errors';
import {
  createSet,
  installProvider,
  listSubscribers,
  lockChanges,
  pgqState,
  readInstallation,
  registerSubscriber,
  systemIdentifier,
  tickInfo,
  writeAudit,
} from '@millrace/provider';
import {
  initPosition,
  installSubscriber,
  readPosition,
  writeAudit as writeSubscriberAudit,
} from '@millrace/subscriber';
import { claimQueue } from '../notes/claim-queue.ts';
import { findStart, leaveStart, type Start } from '../notes/start-note.ts';
import { BusSide } from '../sides/bus-side.ts';
import { reachable } from '../sides/choose-subscribers.ts';
import { Side } from '../sides/side.ts';
import { startOver } from '../status/explain.ts';
import { findSameDatabases, refuseSameDatabase } from './same-database.ts';

/** The outcome of one part of the installation. */
export interface InstalledPart {
  /** `provider`, `subscriber eu`, `bus`. */
  readonly part: string;
  /** done: all is as it should be. waiting: its own part is done, another host has to do something first. */
  readonly state: 'done' | 'waiting' | 'failed';
  readonly detail: string;
  readonly code?: ErrorCode;
}

/**
 * Installs all that this configuration names and can reach. One part that fails does not keep the others from being
 * done. Repeatable, and safe when several do it concurrently.
 */
export async function installParts(config: Config): Promise<InstalledPart[]> {
  const parts: InstalledPart[] = [];
  const starts = new Map<string, Start>();
  const stale = new Map<string, number>();
  const duplicates = await findSameDatabases(config);
  const bus = await openBus(config);
  try {
    if (config.provider !== undefined)
      parts.push(await part('provider', () => atProvider(config, { starts, stale, duplicates, bus })));
    if (bus !== undefined && starts.size > 0) parts.push(await part('bus', () => onBus(bus, config, starts)));
    // What another installation left on the bus is no beginning for our subscribers.
    const isOthers = parts.some(({ code }) => code === codes.BUS_REFUSED);
    for (const name of reachable(config, Object.keys(config.subscribers))) {
      const from = starts.get(name) ?? (stale.has(name) || isOthers ? undefined : bus);
      const owner = duplicates.get(name);
      const work = () => atSubscriber(config, name, { from, stale: stale.get(name) });
      parts.push(await part(`subscriber ${name}`, owner === undefined ? work : () => refuseSameDatabase(name, owner)));
    }
  } finally {
    await bus?.close();
  }
  return parts;
}

/**
 * The schemas in every database below `databases`, for `install` alone: the ticker waits for them, and `up` does not make them. Where
 * the pgq extension is, that is what the queues live in, and nothing is made.
 */
export async function installDatabases(config: Config): Promise<InstalledPart[]> {
  const parts: InstalledPart[] = [];
  for (const [name, { url }] of Object.entries(config.databases)) {
    const label = `database ${name}`;
    parts.push(await part(label, () => inSide(url, label, (side) => installQueues(side))));
  }
  return parts;
}

async function inSide<T>(url: string, label: string, work: (side: Side) => Promise<T>): Promise<T> {
  const side = await Side.open(url, label);
  return work(side).finally(() => side.close());
}

/** Schema pgq, where a database has none or ours; what was done, in words. */
export async function installQueues(side: Side): Promise<PartOutcome> {
  const { pgq } = await side.run(() => pgqState(side.client));
  if (pgq === 'extension') return { state: 'done', detail: 'it has the pgq extension' };
  const { migrations } = await side.run(() => installProvider(side.client));
  return { state: 'done', detail: migrations.length === 0 ? 'schema is up to date' : 'schema installed' };
}

type PartOutcome = Pick<InstalledPart, 'state' | 'detail'>;

async function part(name: string, work: () => Promise<PartOutcome>): Promise<InstalledPart> {
  try {
    return { part: name, ...(await work()) };
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    return { part: name, state: 'failed', code, detail: partLine(name, sentence) };
  }
}

/** A sentence about one part (`provider`, `subscriber eu`, `bus`), which it names once. */
export function partLine(part: string, sentence: string): string {
  const isNamed = sentence.startsWith(`${part}:`) || sentence.startsWith(`the ${part}:`);
  return isNamed ? sentence : `${part}: ${sentence}`;
}

interface ProviderFindings {
  /** Where each registered subscriber begins. */
  readonly starts: Map<string, Start>;
  /** Subscribers that stand at a tick of an earlier registration. */
  readonly stale: Map<string, number>;
  /** Subscribers whose database is another one's; they are not registered. */
  readonly duplicates: ReadonlyMap<string, string>;
  readonly bus: BusSide | undefined;
}

async function atProvider(config: Config, findings: ProviderFindings): Promise<PartOutcome> {
  const { starts, stale, duplicates, bus } = findings;
  const side = await Side.open(needProvider(config).url, 'the provider');
  try {
    const { migrations } = await side.run(() => installProvider(side.client));
    await side.run((session) => lockChanges(session, config.queue));
    const { client } = side;
    const isNew = await side.run(() => createSet(client, config.queue));
    if (bus !== undefined) await refuseOthers(bus, await side.run(() => readInstallation(client)));
    const known = await side.run(() => listSubscribers(client, config.queue));
    for (const name of Object.keys(config.subscribers)) {
      if (duplicates.has(name)) continue;
      const left = known.some((one) => one.name === name) ? undefined : await leftPosition(config, name);
      if (left === undefined) starts.set(name, await register(side, config.queue, name));
      else stale.set(name, left);
    }
    if (isNew || migrations.length > 0)
      await side.run(() => writeAudit(client, config.queue, 'install', { migrations }));
    const names = [...starts.keys()];
    const who =
      names.length === 0 ? 'no subscriber in the configuration' : `subscribers ${names.join(', ')} registered`;
    return { state: 'done', detail: `queue ${config.queue}, ${who}` };
  } finally {
    await side.close();
  }
}

/**
 * Where a subscriber stands that the provider does not know: it was registered before. Changes since then are lost to it,
 * and its tables would seem whole; so it is not registered again before that position is gone.
 */
async function leftPosition(config: Config, name: string): Promise<number | undefined> {
  if (reachable(config, [name]).length === 0) return undefined;
  try {
    const side = await Side.open(needSubscriberUrl(config, name), `subscriber ${name}`);
    return (await readPosition(side.client, config.queue).finally(() => side.close()))?.tick;
  } catch {
    // Nothing is installed there, or it cannot be reached: its own part reports that.
    return undefined;
  }
}

async function register(side: Side, queue: string, name: string): Promise<Start> {
  return side.run(async () => {
    const at = await registerSubscriber(side.client, queue, name);
    // A tick that is no longer kept has no time any more; the time only serves people.
    const tick = (await tickInfo(side.client, queue, at.tick)) ?? { ...at, time: new Date().toISOString() };
    return { provider: await systemIdentifier(side.client), tick };
  });
}

async function atSubscriber(
  config: Config,
  name: string,
  { from, stale }: { from: Start | BusSide | undefined; stale: number | undefined },
): Promise<PartOutcome> {
  const { queue } = config;
  if (stale !== undefined) throw alreadyStands(name, stale);
  const side = await Side.open(needSubscriberUrl(config, name), `subscriber ${name}`);
  try {
    await side.run(() => installSubscriber(side.client));
    const stands = await side.run(() => readPosition(side.client, queue));
    const start = from instanceof BusSide ? await findStart(from, name).catch(() => undefined) : from;
    if (start === undefined)
      return stands === undefined ? waiting(name) : { state: 'done', detail: 'schema installed' };
    // The note has the tick up to which the provider has released the queue for this subscriber; a position cannot be
    // older, unless it is of an earlier registration, or the database was restored from a backup.
    if (from instanceof BusSide && stands !== undefined && stands.tick < start.tick.tick) {
      return { state: 'waiting', detail: olderThanNote(name, stands.tick, start.tick.tick) };
    }
    const at = await side.run(() => initPosition(side.client, { queue, subscriber: name, ...start }));
    const detail = { queue, subscriber: name, tick: at.tick };
    if (stands === undefined) await side.run(() => writeSubscriberAudit(side.client, 'install', detail));
    return { state: 'done', detail: `schema installed, at tick ${at.tick}` };
  } finally {
    await side.close();
  }
}

function alreadyStands(name: string, tick: number): MillraceError {
  const text = `subscriber ${name}: its database stands at tick ${tick} of this queue, and the provider does not know it any more`;
  return new MillraceError(codes.POSITION, text, { advice: startOver(name) });
}

function olderThanNote(name: string, tick: number, noted: number): string {
  return `subscriber ${name}: its position, tick ${tick}, is older than tick ${noted}, from which the provider keeps changes for it; if it was unregistered before, ${startOver(name)}`;
}

function waiting(name: string): PartOutcome {
  const detail = `schema installed; to begin, run \`millrace install\` on the provider's side with \`${name}: {}\` below subscribers, then here again`;
  return { state: 'waiting', detail };
}

async function onBus(bus: BusSide, config: Config, starts: ReadonlyMap<string, Start>): Promise<PartOutcome> {
  for (const [name, start] of starts) await leaveStart(bus, name, start);
  // The bucket was made for the first of them.
  const read = (side: Side) => side.run(() => readInstallation(side.client));
  await claimQueue(bus, await inSide(needProvider(config).url, 'the provider', read));
  return { state: 'done', detail: 'bucket of reports' };
}

/** A bus that does not answer refuses nothing: capture finds out later. */
async function refuseOthers(bus: BusSide, ours: Parameters<typeof claimQueue>[1]): Promise<void> {
  await claimQueue(bus, ours).catch((error: unknown) => {
    if (toMillraceError(error).code === codes.BUS_REFUSED) throw error;
  });
}

/** Without a bus everything but the bus is installed; the services make what they need there. */
async function openBus(config: Config): Promise<BusSide | undefined> {
  if (busUrl(config) === undefined) return undefined;
  return BusSide.open(config).catch(() => undefined);
}
