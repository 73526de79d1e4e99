import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, runFile } from '@millrace/config';
import { type PartName, subscriberOf } from '@millrace/control/parts';
import { ProviderSide, SubscriberSide } from '@millrace/control/sides';
import { toMillraceError } from '@millrace/errors';

const pollMs = 50;
/** A replay that makes no progress for this long and has an error counts as stopped: the others do replicate. */
const stoppedAfterMs = 5_000;

export interface WaitPlan {
  readonly parts: readonly PartName[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Resolves to true when replication works: a tick made now has been applied by every replay among the parts that is
 * neither paused nor stopped. Where that cannot be seen (no provider here, or no replay), when all parts say that they
 * are ready. False when the signal came first. `say` gets every 10 s what is waited for.
 */
export async function replicationWorks(config: Config, { parts, signal, say }: WaitPlan): Promise<boolean> {
  const names = parts.flatMap((part) => subscriberOf(part) ?? []);
  const poll =
    config.provider === undefined || names.length === 0 ? pollHealth(config, parts) : pollTick(config, names);
  let reportedAt = performance.now();
  while (!signal.aborted) {
    const open = await poll();
    if (open.length === 0) return true;
    if (performance.now() - reportedAt > 10_000) {
      reportedAt = performance.now();
      for (const line of open) say(`not ready: ${line}`);
    }
    await delay(pollMs, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** Queries each part's health endpoint; resolves to what is not ready. */
function pollHealth(config: Config, parts: readonly PartName[]): () => Promise<string[]> {
  const services = parts.filter((part) => part !== 'nats' && part !== 'admin');
  return async () => (await Promise.all(services.map((part) => healthOf(config, part)))).flat();
}

async function healthOf(config: Config, part: PartName): Promise<string[]> {
  const name = subscriberOf(part);
  try {
    const kind = name === undefined ? (part as 'ticker' | 'capture') : 'replay';
    const { url } = JSON.parse(readFileSync(runFile(config, kind, name), 'utf8')) as { url: string };
    const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) });
    if (answer.ok) return [];
    const { reasons } = (await answer.json()) as { reasons?: string[] };
    return [`${part}: ${(reasons ?? []).join(', ')}`];
  } catch {
    return [`${part} has not started`];
  }
}

/** Makes one tick, then reads the position of each replay; resolves to those that are not there yet. */
function pollTick(config: Config, names: readonly string[]): () => Promise<string[]> {
  let goal: number | undefined;
  const begin = performance.now();
  return async () => {
    try {
      goal ??= await makeTick(config);
    } catch (error) {
      return [toMillraceError(error).sentence];
    }
    const tick = goal;
    return (await Promise.all(names.map((name) => pollSubscriber(config, name, { tick, begin })))).flat();
  };
}

async function makeTick(config: Config): Promise<number> {
  const provider = await ProviderSide.open(config);
  return provider
    .forceTick()
    .then(({ tick }) => tick)
    .finally(() => provider.close());
}

async function pollSubscriber(
  config: Config,
  name: string,
  { tick, begin }: { tick: number; begin: number },
): Promise<string[]> {
  const isRecent = performance.now() - begin < stoppedAfterMs;
  try {
    const side = await SubscriberSide.open(config, name, 2_000);
    const { position, paused, replay } = await side.overview().finally(() => side.close());
    if (paused || (position !== null && position.tick >= tick)) return [];
    if (!isRecent && replay?.state === 'stopped' && replay.ageMs < stoppedAfterMs) return [];
    return [
      `${name} is at tick ${position?.tick ?? '-'} of ${tick}${replay?.errorMessage ? ` (${replay.errorMessage})` : ''}`,
    ];
  } catch (error) {
    return isRecent ? [toMillraceError(error).sentence] : [];
  }
}
