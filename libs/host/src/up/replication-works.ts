import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, runFile } from '@millrace/config';
import { type PartName, subscriberOf } from '@millrace/control/parts';
import { ProviderSide, SubscriberSide } from '@millrace/control/sides';
import { toMillraceError } from '@millrace/errors';

const lookMs = 50;
/** A replay that stands still for this long with an error counts as stopped: the others do replicate. Milliseconds. */
const patienceMs = 5_000;

/**
 * Resolves to true when replication works: a tick made now has been applied by every replay among the parts that is
 * neither paused nor stopped. Where that cannot be seen (no provider here, or no replay), when all parts say that they
 * are ready. False when the signal came first. `say` hears now and then what is waited for.
 */
export async function replicationWorks(
  config: Config,
  { parts, signal, say }: { parts: readonly PartName[]; signal: AbortSignal; say: (line: string) => void },
): Promise<boolean> {
  const names = parts.flatMap((part) => subscriberOf(part) ?? []);
  const look =
    config.provider === undefined || names.length === 0 ? lookAtHealth(config, parts) : lookAtTick(config, names);
  let toldAt = performance.now();
  while (!signal.aborted) {
    const open = await look();
    if (open.length === 0) return true;
    if (performance.now() - toldAt > 10_000) {
      toldAt = performance.now();
      for (const line of open) say(`not ready: ${line}`);
    }
    await delay(lookMs, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** Asks each part's health endpoint; gives what is not ready. */
function lookAtHealth(config: Config, parts: readonly PartName[]): () => Promise<string[]> {
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

/** Makes one tick, then looks where each replay stands; gives those that are not there yet. */
function lookAtTick(config: Config, names: readonly string[]): () => Promise<string[]> {
  let goal: number | undefined;
  const begin = performance.now();
  return async () => {
    try {
      goal ??= await makeTick(config);
    } catch (error) {
      return [toMillraceError(error).sentence];
    }
    const tick = goal;
    return (await Promise.all(names.map((name) => standing(config, name, { tick, begin })))).flat();
  };
}

async function makeTick(config: Config): Promise<number> {
  const provider = await ProviderSide.open(config);
  return provider
    .forceTick()
    .then(({ tick }) => tick)
    .finally(() => provider.close());
}

async function standing(
  config: Config,
  name: string,
  { tick, begin }: { tick: number; begin: number },
): Promise<string[]> {
  const isPatient = performance.now() - begin < patienceMs;
  try {
    const side = await SubscriberSide.open(config, name, 2_000);
    const { position, paused, replay } = await side.overview().finally(() => side.close());
    if (paused || (position !== null && position.tick >= tick)) return [];
    if (!isPatient && replay?.state === 'stopped' && replay.ageMs < patienceMs) return [];
    return [
      `${name} is at tick ${position?.tick ?? '-'} of ${tick}${replay?.errorMessage ? ` (${replay.errorMessage})` : ''}`,
    ];
  } catch (error) {
    return isPatient ? [toMillraceError(error).sentence] : [];
  }
}
