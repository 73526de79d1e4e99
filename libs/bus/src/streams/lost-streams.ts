// A stream whose servers are gone for good: its cluster knows of it, nobody answers for it, and no other can be made under its
// name. What streams hold is a copy of what the provider's queue holds, so it is deleted, made elsewhere and filled again.
import { errors } from '@nats-io/transport-node';
import { apiCodeOf } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { apiPrefix } from '../connection/jet-stream.ts';

/** A server that is restarted, or a leader that is elected, is waited for so long, ms. */
const waitMs = 20_000;
const requestTimeoutMs = 3000;

/** "stream is offline", of servers since 2.10; older ones do not answer. */
const offline = 10118;

/** Since when nobody answers for a stream, by its name. */
const silent = new WeakMap<Bus, Map<string, number>>();

/** Somebody answers for the stream. */
export function streamAnswered(bus: Bus, name: string): void {
  silent.get(bus)?.delete(name);
}

/**
 * To be called when nobody answered for the stream. True when that has lasted for long while the cluster itself answers: the
 * stream is deleted then, and may be made again.
 */
export async function dropLostStream(bus: Bus, name: string, error: unknown): Promise<boolean> {
  if (!bus.isClustered() || !bus.isConnected() || !isSilence(error)) return false;
  const names = silent.get(bus) ?? new Map<string, number>();
  silent.set(bus, names);
  if (!(await isKnown(bus, name))) {
    // The cluster has no leader itself: whoever is away may come back with it.
    names.delete(name);
    return false;
  }
  const since = names.get(name) ?? performance.now();
  names.set(name, since);
  if (performance.now() - since < waitMs) return false;
  names.delete(name);
  // A server before 2.10 deletes it and does not answer either.
  await bus.streams.streams.delete(name).catch(() => false);
  return true;
}

function isSilence(error: unknown): boolean {
  if (apiCodeOf(error) === offline || error instanceof errors.TimeoutError) return true;
  return error instanceof Error && error.cause !== undefined && isSilence(error.cause);
}

/** The leader of the cluster knows of the stream; false when there is no leader. */
async function isKnown(bus: Bus, name: string): Promise<boolean> {
  try {
    const answer = await bus.connection.request(`${apiPrefix(bus)}.STREAM.NAMES`, '{}', { timeout: requestTimeoutMs });
    const reply = JSON.parse(Buffer.from(answer.data).toString('utf8')) as {
      readonly streams?: readonly string[] | null;
    };
    return reply.streams?.includes(name) ?? false;
  } catch {
    return false;
  }
}
