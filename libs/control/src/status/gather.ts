import { busUrl, type Config } from '@millrace/config';
import { codes, type ErrorCode, MillraceError, toMillraceError } from '@millrace/errors';
import type { ProviderOverview } from '@millrace/provider';
import type { SubscriberOverview } from '@millrace/subscriber';
import type { Report } from '@millrace/wire';
import { replicates } from '../command/parts.ts';
import { BusSide } from '../sides/bus-side.ts';
import { knownSubscribers, reachable } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

/** A fault as documents show it. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** The answer of a database or the bus, or why there is none; `absent`: the configuration does not name it. */
export type Answer<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'absent' };

export interface BusAnswer {
  readonly batches: { readonly messages: number; readonly bytes: number } | undefined;
  readonly copies: { readonly messages: number; readonly bytes: number } | undefined;
}

export interface GatheredSubscriber {
  readonly name: string;
  readonly database: Answer<SubscriberOverview>;
  /** Its replay's last report on the bus. */
  readonly report: Report | undefined;
  /** Whether this configuration names it; else only the provider's record does. */
  readonly configured: boolean;
  /** Age of the oldest change it lacks, by the provider's clock; undefined: none, or not known. */
  readonly behindMs: number | undefined;
  /** It has applied a tick that this provider never made. */
  readonly hasOtherHistory: boolean;
  /** False when the queue no longer keeps what comes after its position. */
  readonly kept: boolean;
}

/** Everything that is known at one moment, on all three sides. */
export interface Gathered {
  readonly queue: string;
  readonly provider: Answer<ProviderOverview>;
  readonly bus: Answer<BusAnswer>;
  readonly subscribers: readonly GatheredSubscriber[];
}

const connectMs = 3_000;

/** Queries all three sides concurrently, about `only` or every subscriber. What cannot be reached is part of the answer; nothing is thrown. */
export async function gather(config: Config, only?: string): Promise<Gathered> {
  const bus = await openBus(config);
  const provider = await openProvider(config);
  try {
    const overview = await answerOf(provider, (side) => side.overview());
    const registered = overview.kind === 'answer' ? overview.value.subscribers : [];
    const known = knownSubscribers(config, registered).filter((name) => only === undefined || name === only);
    const near = new Set(reachable(config, known));
    const [streams, subscribers] = await Promise.all([
      answerOf(bus, (side) => side.streams()),
      Promise.all(known.map((name) => readSides(config, name, { bus, near: near.has(name) }))),
    ]);
    const aged: GatheredSubscriber[] = [];
    for (const one of subscribers) aged.push({ ...one, ...(await relationToQueue(provider, overview, one)) });
    return { queue: config.queue, provider: overview, bus: streams, subscribers: aged };
  } finally {
    await Promise.all([provider, bus].map((side) => (side.kind === 'answer' ? side.value.close() : undefined)));
  }
}

/** A list needs the provider or, on a host without one, a subscriber. Throws the fault of the one that did not answer. */
export function refuseWithoutAnswer({ provider, subscribers }: Gathered): void {
  if (provider.kind === 'answer') return;
  if (provider.kind === 'absent' && subscribers.some(({ database }) => database.kind === 'answer')) return;
  const fault =
    provider.kind === 'fault'
      ? provider.fault
      : subscribers.map(({ database }) => database).find((d) => d.kind === 'fault')?.fault;
  throw new MillraceError(
    (fault?.code ?? 'config') as ErrorCode,
    fault?.message ?? 'the configuration names no database',
  );
}

async function openProvider(config: Config): Promise<Answer<ProviderSide>> {
  if (config.provider === undefined) return { kind: 'absent' };
  return attempt(() => ProviderSide.open(config, connectMs));
}

async function openBus(config: Config): Promise<Answer<BusSide>> {
  if (busUrl(config) !== undefined) {
    return attempt(async () => {
      const side = await BusSide.open(config, connectMs);
      if (side === undefined) throw new Error('the bus has no url');
      return side;
    });
  }
  if (!replicates(config)) return { kind: 'absent' };
  const message = 'no bus url in the configuration, and no nats-server of `millrace up` runs';
  return { kind: 'fault', fault: { code: codes.BUS_UNAVAILABLE, message } };
}

type ReadSubscriber = Omit<GatheredSubscriber, 'behindMs' | 'kept' | 'hasOtherHistory'>;

async function readSides(
  config: Config,
  name: string,
  { bus, near }: { bus: Answer<BusSide>; near: boolean },
): Promise<ReadSubscriber> {
  const [database, report] = await Promise.all([
    near ? readSubscriber(config, name) : ({ kind: 'absent' } as const),
    bus.kind === 'answer' ? bus.value.report(name).catch(() => undefined) : undefined,
  ]);
  return { name, database, report, configured: Object.hasOwn(config.subscribers, name) };
}

async function readSubscriber(config: Config, name: string): Promise<Answer<SubscriberOverview>> {
  return attempt(async () => {
    const side = await SubscriberSide.open(config, name, connectMs);
    return side.overview().finally(() => side.close());
  });
}

/** How it stands to the queue. Its position was read after the provider's record, so it is never behind it in order. */
async function relationToQueue(
  provider: Answer<ProviderSide>,
  overview: Answer<ProviderOverview>,
  { name, database, report }: ReadSubscriber,
): Promise<Pick<GatheredSubscriber, 'behindMs' | 'kept' | 'hasOtherHistory'>> {
  const position = database.kind === 'answer' ? database.value.position : report;
  const known = { behindMs: undefined, kept: true, hasOtherHistory: false };
  if (provider.kind !== 'answer' || overview.kind !== 'answer' || !position) return known;
  const at = position.tick;
  const side = provider.value;
  const record = overview.value.subscribers.find((one) => one.name === name);
  const kept =
    (at >= (record?.tick ?? at) && record?.keptFrom !== null) || (await side.keepsTick(at).catch(() => true));
  const newest = overview.value.tick?.tick;
  if (!kept || newest === undefined) return { ...known, kept };
  const hasOtherHistory = !(await side.madeTick(position).catch(() => true));
  if (hasOtherHistory || at >= newest) return { ...known, kept, hasOtherHistory };
  return { behindMs: await side.ageAfter(at).catch(() => undefined), kept, hasOtherHistory };
}

async function answerOf<S, T>(side: Answer<S>, query: (side: S) => Promise<T>): Promise<Answer<T>> {
  return side.kind === 'answer' ? attempt(() => query(side.value)) : side;
}

async function attempt<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: 'answer', value: await work() };
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    return { kind: 'fault', fault: { code, message: sentence } };
  }
}
