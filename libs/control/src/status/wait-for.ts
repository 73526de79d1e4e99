import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '@millrace/config';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { type Position, sameTable, type TableName, type TableState, tableLabel } from '@millrace/model';
import { BusSide } from '../sides/bus-side.ts';
import { reachable } from '../sides/choose-subscribers.ts';
import { SubscriberSide } from '../sides/subscriber-side.ts';

/** Where one subscriber stands, or why we do not know. */
interface Standing {
  readonly tick: number | undefined;
  readonly fingerprint?: string | undefined;
  readonly tables: readonly (TableName & { readonly state: TableState; readonly error?: string | null | undefined })[];
  readonly paused: boolean;
  readonly error: string | undefined;
}

/** What to wait for. */
export interface Goal {
  readonly names: readonly string[];
  readonly tick: number;
  readonly timeoutMs: number;
  /** Copies requested: a subscriber that is to get one and does not follow its table yet is behind. */
  readonly copies: readonly (TableName & { readonly subscribers: readonly string[] })[];
  /** Whether the provider made that very tick. A number alone proves nothing when it was restored from a backup. */
  readonly isOurs: (position: Position) => Promise<boolean>;
  /** Tables of which changes went by unseen, with why: a subscriber that follows one lacks them however far it is. */
  readonly problems: () => Promise<readonly (TableName & { readonly problem: string })[]>;
  /** What else may explain a delay; queried at the timeout. */
  readonly troubles: () => Promise<readonly string[]>;
}

const minPauseMs = 10;
const maxPauseMs = 100;

/** Resolves to the milliseconds waited. Throws TIMEOUT naming who is behind and why. */
export async function waitFor(config: Config, goal: Goal): Promise<number> {
  const { names, tick, timeoutMs, copies, isOurs } = goal;
  const begin = performance.now();
  const watchers = names.map((name) => {
    const awaited = copies.filter(({ subscribers }) => subscribers.includes(name));
    return new Watcher(config, { name, awaited, near: reachable(config, [name]).length > 0, isOurs });
  });
  try {
    let behind = watchers;
    for (let pause = minPauseMs; ; pause = Math.min(maxPauseMs, pause * 1.3)) {
      const left = timeoutMs - (performance.now() - begin);
      const late = delay(Math.max(left, 1_000), undefined, { ref: false });
      await Promise.race([Promise.all(behind.map((watcher) => watcher.poll())), late]);
      if (behind.some(({ problems }) => problems.length > 0)) await lacking(watchers, goal);
      behind = behind.filter((watcher) => watcher.reasons(tick).length > 0);
      if (behind.length === 0) behind = await lacking(watchers, goal);
      if (behind.length === 0) return Math.round(performance.now() - begin);
      if (performance.now() - begin >= timeoutMs) throw await timeout(behind, goal);
      await delay(Math.min(pause, Math.max(0, timeoutMs - (performance.now() - begin))));
    }
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.close()));
  }
}

/** Those that have everything and follow a table whose changes went by unseen. */
async function lacking(watchers: readonly Watcher[], { problems }: Goal): Promise<Watcher[]> {
  const found = await problems();
  for (const watcher of watchers) watcher.problems = found;
  return watchers.filter((watcher) => watcher.unseen().length > 0);
}

async function timeout(behind: readonly Watcher[], { tick, troubles }: Goal): Promise<MillraceError> {
  const lines = behind.map((watcher) => `${watcher.name} is behind: ${watcher.reasons(tick).join(', ')}`);
  lines.push(...(await troubles().catch(() => [])));
  return new MillraceError(codes.TIMEOUT, lines.join('\n'));
}

interface WatcherPlan extends Pick<Goal, 'isOurs'> {
  readonly name: string;
  readonly near: boolean;
  readonly awaited: readonly TableName[];
}

/** Polls one subscriber, through its database or the bus, whichever can be reached. */
class Watcher {
  readonly name: string;
  /** Of the provider's tables, as last read. */
  problems: readonly (TableName & { readonly problem: string })[] = [];
  readonly #config: Config;
  readonly #near: boolean;
  readonly #awaited: readonly TableName[];
  readonly #isOurs: Goal['isOurs'];
  /** The position that was found to be none of the provider's. */
  #foreign = false;
  #side: SubscriberSide | undefined;
  #bus: BusSide | undefined;
  #seen: Standing = { tick: undefined, tables: [], paused: false, error: 'it has not answered' };
  #polling = false;

  constructor(config: Config, plan: WatcherPlan) {
    this.#config = config;
    this.name = plan.name;
    this.#near = plan.near;
    this.#awaited = plan.awaited;
    this.#isOurs = plan.isOurs;
  }

  async poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const seen = this.#near ? await this.#readDatabase() : await this.#readBus();
      const { tick, fingerprint } = seen;
      this.#foreign = tick !== undefined && fingerprint !== undefined && !(await this.#isOurs({ tick, fingerprint }));
      this.#seen = seen;
    } catch (error) {
      this.#seen = { ...this.#seen, tick: undefined, error: toMillraceError(error).message };
      await this.close();
    } finally {
      this.#polling = false;
    }
  }

  /** Why it is not there yet; empty when it is. */
  reasons(tick: number): string[] {
    const { tick: at, tables, paused, error } = this.#seen;
    const open = tables.filter(({ state }) => state !== 'ok');
    const missing = at === undefined ? ['its position is not known'] : at < tick ? [`at tick ${at} of ${tick}`] : [];
    if (this.#foreign) missing.push(`tick ${at}, where it stands, is not one that this provider made`);
    const unknown = this.#awaited.filter((table) => !tables.some((t) => sameTable(t, table)));
    const unseen = this.unseen();
    if (missing.length === 0 && open.length === 0 && unknown.length === 0 && unseen.length === 0) return [];
    return [
      ...missing,
      ...unseen,
      ...open.map((t) => `${tableLabel(t)} is ${t.state}${t.error ? ` (${t.error})` : ''}`),
      ...unknown.map((table) => `${tableLabel(table)} is not followed there yet`),
      ...(paused ? ['it is paused'] : []),
      ...(error === undefined ? [] : [error]),
    ];
  }

  /** Tables that it follows and whose changes went by unseen. */
  unseen(): string[] {
    return this.problems
      .filter((table) => this.#seen.tables.some((t) => sameTable(t, table)))
      .map((table) => `${tableLabel(table)}: ${table.problem}`);
  }

  async close(): Promise<void> {
    const [side, bus] = [this.#side, this.#bus];
    this.#side = undefined;
    this.#bus = undefined;
    await side?.close();
    await bus?.close();
  }

  async #readDatabase(): Promise<Standing> {
    this.#side ??= await SubscriberSide.open(this.#config, this.name);
    const { position, tables, paused, replay } = await this.#side.overview();
    return {
      tick: position?.tick,
      fingerprint: position?.fingerprint,
      tables,
      paused,
      error: replay?.errorMessage ?? undefined,
    };
  }

  async #readBus(): Promise<Standing> {
    this.#bus ??= await BusSide.open(this.#config);
    const report = await this.#bus?.report(this.name);
    if (report === undefined)
      return { tick: undefined, tables: [], paused: false, error: 'it has not reported on the bus' };
    return {
      tick: report.tick,
      fingerprint: report.fingerprint,
      tables: report.tables,
      paused: report.state === 'paused',
      error: report.error?.message,
    };
  }
}
