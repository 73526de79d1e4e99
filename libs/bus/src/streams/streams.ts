import { codes, MillraceError } from '@millrace/errors';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { apiCodeOf, apiCodes, busError, isMissing } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { dropLostStream, streamAnswered } from './lost-streams.ts';

/** A stream as we want it. Its name and subjects come from the caller. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Bytes beyond which old messages are dropped for new ones. Lowered when the server has less. */
  readonly maxBytes: number;
  /** Kept per subject; -1 (default): all. */
  readonly maxMessagesPerSubject?: number;
  /** As key-value tools expect of a bucket. */
  readonly allowRollup?: boolean;
}

/** Where a stream stands. Sequences begin at 1; an empty stream has `first` = `last` + 1. */
export interface StreamState {
  /** Changes when a stream is deleted and made again. */
  readonly created: string;
  readonly first: number;
  readonly last: number;
  readonly messages: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Below this a stream cannot do its work. */
const minBytes = 16 * 1024 * 1024;

/** What no stream of ours may differ in: another value loses messages that somebody still reads. */
const alwaysSo = {
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  max_age: 0,
  max_msgs: -1,
  max_msg_size: -1,
  no_ack: false,
} as const;

/** Fewer servers than replicas: no suitable peers, one server alone, and their words in newer servers. */
const tooFewServers = new Set([10005, 10074, 10052]);
/** Pause between attempts to give a stream the wanted replicas, ms. */
const replicasAgainMs = 30_000;

/** What JetStream answers when there is less space than requested. */
const noSpace = new Set([10002, 10023, 10028, 10047, 10122]);

/**
 * Makes the stream when it is missing, sets it right when somebody altered it, leaves it alone when it is right.
 * Throws BUS_REFUSED when what is there cannot be set right (sealed, other storage or retention), else BUS_UNAVAILABLE.
 */
export async function ensureStream(bus: Bus, definition: StreamDefinition): Promise<StreamState> {
  const wanted = configOf(definition);
  const info = await infoOrLost(bus, definition.name);
  if (info === undefined) return createStream(bus, wanted);
  if (info.config.sealed) throw sealedError(definition.name);
  await setReplicas(bus, info);
  const changes = differences(info.config, wanted);
  if (Object.keys(changes).length === 0) return stateOf(info);
  try {
    return stateOf(await bus.streams.streams.update(definition.name, changes));
  } catch (error) {
    if (apiCodeOf(error) === undefined || noSpace.has(apiCodeOf(error) ?? 0))
      throw busError(error, `setting ${definition.name} right`);
    throw unfit(definition.name, Object.keys(changes), error);
  }
}

/** The stream's state now; undefined when there is none. */
export async function streamState(bus: Bus, name: string): Promise<StreamState | undefined> {
  const info = await streamInfo(bus, name);
  return info === undefined ? undefined : stateOf(info);
}

/** How many servers hold a stream, and how many of them are there and up to date; undefined when there is no stream. */
export async function streamCopies(bus: Bus, name: string): Promise<{ all: number; current: number } | undefined> {
  const info = await streamInfo(bus, name);
  if (info === undefined) return undefined;
  const others = info.cluster?.replicas ?? [];
  const current = others.filter((one) => one.current && one.offline !== true).length;
  return { all: info.config.num_replicas, current: 1 + current };
}

/** What somebody altered in a stream: names of settings, as the server has them; undefined when there is no stream. */
export async function alteredSettings(bus: Bus, name: string): Promise<string[] | undefined> {
  const info = await streamInfo(bus, name);
  if (info === undefined) return undefined;
  const have: Record<string, unknown> = { ...info.config };
  const altered = Object.entries(alwaysSo).filter(([key, value]) => !same(have[key], value));
  return [...(info.config.sealed ? ['sealed'] : []), ...altered.map(([key]) => key)];
}

/** Deletes the stream and all it holds; true when there was one. */
export async function deleteStream(bus: Bus, name: string): Promise<boolean> {
  try {
    return await bus.streams.streams.delete(name);
  } catch (error) {
    if (isMissing(error)) return false;
    throw busError(error, `deleting ${name}`);
  }
}

function configOf(definition: StreamDefinition): Partial<StreamConfig> & { name: string; max_bytes: number } {
  return {
    name: definition.name,
    subjects: [...definition.subjects],
    ...alwaysSo,
    max_bytes: definition.maxBytes,
    max_msgs_per_subject: definition.maxMessagesPerSubject ?? -1,
    ...(definition.allowRollup === true ? { allow_rollup_hdrs: true } : {}),
  };
}

/** As `streamInfo`; a stream whose servers are gone for good is deleted, and is none. */
async function infoOrLost(bus: Bus, name: string): Promise<StreamInfo | undefined> {
  try {
    const info = await streamInfo(bus, name);
    streamAnswered(bus, name);
    return info;
  } catch (error) {
    if (await dropLostStream(bus, name, error)) return undefined;
    throw error;
  }
}

/** One server alone refuses replicas, as does a cluster that has too few at the moment; they are added when it can. */
async function addStream(bus: Bus, wanted: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
  const { replicas } = bus;
  if (replicas !== undefined && replicas > 1) {
    try {
      return await bus.streams.streams.add({ ...wanted, num_replicas: replicas });
    } catch (error) {
      if (!tooFewServers.has(apiCodeOf(error) ?? 0)) throw error;
    }
  }
  return bus.streams.streams.add(wanted);
}

/** When replicas were last requested in vain, by stream. */
const refusedReplicas = new WeakMap<Bus, Map<string, number>>();

/** A stream with fewer copies than wanted works all the same: what the server refuses is requested again later. */
async function setReplicas(bus: Bus, { config }: StreamInfo): Promise<void> {
  const { name, num_replicas: has } = config;
  const { replicas } = bus;
  if (replicas === undefined || has === replicas) return;
  const refused = refusedReplicas.get(bus) ?? new Map<string, number>();
  refusedReplicas.set(bus, refused);
  if (performance.now() - (refused.get(name) ?? Number.NEGATIVE_INFINITY) < replicasAgainMs) return;
  try {
    await bus.streams.streams.update(name, { num_replicas: replicas });
  } catch {
    refused.set(name, performance.now());
  }
}

async function createStream(
  bus: Bus,
  wanted: Partial<StreamConfig> & { name: string; max_bytes: number },
): Promise<StreamState> {
  let maxBytes = wanted.max_bytes;
  while (true) {
    try {
      return stateOf(await addStream(bus, { ...wanted, max_bytes: maxBytes }));
    } catch (error) {
      const code = apiCodeOf(error);
      // Another instance made it in the same moment.
      if (code === apiCodes.streamNameInUse) {
        const info = await streamInfo(bus, wanted.name);
        if (info !== undefined) return stateOf(info);
      }
      if (code === undefined || !noSpace.has(code) || maxBytes <= minBytes)
        throw busError(error, `making ${wanted.name}`);
      maxBytes = Math.max(minBytes, Math.trunc(maxBytes / 2));
    }
  }
}

function differences(is: StreamConfig, wanted: Partial<StreamConfig> & { max_bytes: number }): Partial<StreamConfig> {
  const changes: Record<string, unknown> = {};
  const have: Record<string, unknown> = { ...is };
  for (const [key, value] of Object.entries(wanted)) {
    if (key === 'name' || same(have[key], value)) continue;
    // A server with less space may have made it smaller, and a person may have chosen so.
    if (key === 'max_bytes' && is.max_bytes >= minBytes && is.max_bytes <= wanted.max_bytes) continue;
    changes[key] = value;
  }
  return changes;
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
  // Older and newer servers leave out what is at its default.
  if (a === undefined) return b === 0 || b === -1 || b === false || b === '';
  return a === b;
}

/** What the server knows of a stream; undefined when there is none. */
export async function streamInfo(bus: Bus, name: string): Promise<StreamInfo | undefined> {
  try {
    return await bus.streams.streams.info(name);
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return undefined;
    throw busError(error, `looking at ${name}`);
  }
}

function stateOf(info: StreamInfo): StreamState {
  const { state } = info;
  const empty = state.messages === 0;
  return {
    created: info.created,
    first: empty ? state.last_seq + 1 : state.first_seq,
    last: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: info.config.max_bytes,
  };
}

function sealedError(name: string): MillraceError {
  return new MillraceError(codes.BUS_REFUSED, `the stream ${name} is sealed: nothing can be written to it`, {
    advice: `nothing is lost: delete it (nats stream rm ${name}), Millrace makes it again and fills it`,
  });
}

function unfit(name: string, fields: string[], cause: unknown): MillraceError {
  return new MillraceError(
    codes.BUS_REFUSED,
    `the stream ${name} was altered (${fields.join(', ')}) and the server refuses to set it right`,
    {
      advice: `nothing is lost: delete it (nats stream rm ${name}), Millrace makes it again and fills it`,
      cause,
    },
  );
}
