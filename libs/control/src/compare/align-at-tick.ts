import { setTimeout as delay } from 'node:timers/promises';
import { type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { toMillraceError } from '@millrace/errors';
import type { TableName, Tick } from '@millrace/model';
import {
  applySettings,
  connect,
  disconnect,
  dropSession,
  type PgClient,
  pinSettings,
  statementError,
} from '@millrace/postgres';
import { lastTick, type PinnedTick, pinTick } from '@millrace/provider';
import {
  becomeReplica,
  lockPosition,
  pinPause,
  type ReplayStanding,
  readReplayStanding,
  unpinPause,
} from '@millrace/subscriber';
import { reachable } from '../sides/choose-subscribers.ts';
import { beginReadingSql, compareSettings, endReadingSql, lockTableSql } from './plan-compare.ts';
import { beginWritingSql } from './plan-repair.ts';

/** A subscriber at the tick: a session that sees its tables exactly as of it. */
export interface AlignedSubscriber {
  readonly name: string;
  readonly client: PgClient;
}

/** A subscriber that could not be aligned, and why, as the end of a sentence about it. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** One tick of the provider, with sessions that see both sides as of it. */
export interface Alignment {
  readonly tick: Tick;
  readonly provider: PgClient;
  readonly subscribers: readonly AlignedSubscriber[];
  readonly absent: readonly Absent[];
  /** Ends all its sessions. */
  close(): Promise<void>;
}

/** How long a subscriber's database may take to record the requested hold; no tick is made meanwhile. */
const announceMs = 2000;
/** A replay that has not reported for this long does not run. */
const silenceMs = 20_000;
const minPauseMs = 5;
const maxPauseMs = 100;

export interface AlignmentPlan {
  /** Subscribers. */
  readonly names: readonly string[];
  /** How long to wait for a subscriber that is behind. */
  readonly timeoutMs: number;
  /**
   * Tables locked against TRUNCATE and ALTER at both sides until all is closed. Writers do not notice; for tables that are
   * truncated all the time. Default: none; the reader then finds out.
   */
  readonly locked?: readonly TableName[];
  /**
   * The subscribers' sessions get no snapshot but a transaction that writes and holds the position: replay cannot pass
   * the tick until it ends. Default false.
   */
  readonly writes?: boolean;
}

/**
 * Gives sessions that see the provider and subscribers as of one tick: a pinned tick at the provider; at the subscribers replay
 * stops at it until a session there has its snapshot. Replay pauses for moments. Throws what the provider throws.
 */
export async function alignAtTick(config: Config, plan: AlignmentPlan): Promise<Alignment> {
  const { names, timeoutMs, locked = [], writes = false } = plan;
  const subscribers = names.map((name) => new SubscriberSnapshot(config, name, { locked, writes }));
  const provider = new ProviderSnapshot(config);
  let pinned: PinnedTick | undefined;
  const close = async () => {
    await Promise.all([...subscribers.map((one) => one.close()), pinned?.release(), provider.close()]);
  };
  try {
    // Before anything is pinned: no snapshot is held while a subscriber catches up.
    const newest = provider.newest();
    await Promise.all(subscribers.map((one) => one.catchUp(newest, timeoutMs)));
    await newest;
    const announce = async ({ tick }: Tick) => {
      await Promise.all(subscribers.map((one) => one.requestHold(tick, timeoutMs)));
    };
    const made = await pinTick(() => provider.session(), config.queue, locked, announce);
    pinned = made;
    await Promise.all(subscribers.map((one) => one.takeSnapshot(made, timeoutMs)));
    const aligned = subscribers.flatMap(({ name, reading, reason }) =>
      reading === undefined || reason !== undefined ? [] : [{ name, client: reading }],
    );
    const absent = subscribers.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]));
    return { tick: made, provider: made.client, subscribers: aligned, absent, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The provider's sessions: as many as pinning a tick takes, opened concurrently. */
class ProviderSnapshot {
  readonly #config: Config;
  readonly #sessions: Promise<PgClient>[];

  constructor(config: Config) {
    const { url } = needProvider(config);
    this.#config = config;
    this.#sessions = [openReading(url), openReading(url)];
    // Whoever takes one gets its error.
    for (const session of this.#sessions) session.catch(() => {});
  }

  /** The newest tick's number. */
  async newest(): Promise<number> {
    const session = await this.#sessions[0];
    if (session === undefined) throw new Error('the sessions were taken already');
    return (await lastTick(session, this.#config.queue))?.tick ?? 0;
  }

  /** Hands over a session, which the caller then has to close. */
  session(): Promise<PgClient> {
    return this.#sessions.shift() ?? openReading(needProvider(this.#config).url);
  }

  /** Ends those that were not handed over. */
  async close(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.then(disconnect, () => {})));
  }
}

async function openReading(url: string): Promise<PgClient> {
  const client = await connect(url, { applicationName: 'millrace compare' });
  try {
    await pinSettings(client);
    await applySettings(client, compareSettings);
    return client;
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

/** A place to wait for. */
interface HoldGoal {
  readonly tick: number;
  readonly isThere: (tick: number) => boolean;
  /** Keep the transaction that saw it open. */
  readonly keep?: boolean;
}

/** One subscriber. Never throws: what prevents its alignment is its reason. */
class SubscriberSnapshot {
  readonly name: string;
  readonly #config: Config;
  /** The session that requests the hold. */
  #requesting: PgClient | undefined;
  #hold: number | undefined;
  readonly #plan: Required<Pick<AlignmentPlan, 'locked' | 'writes'>>;
  reading: PgClient | undefined;
  reason: string | undefined;

  constructor(config: Config, name: string, plan: Required<Pick<AlignmentPlan, 'locked' | 'writes'>>) {
    this.#config = config;
    this.name = name;
    this.#plan = plan;
  }

  /** Opens its sessions and waits until it has applied `newest`. */
  async catchUp(newest: Promise<number>, timeoutMs: number): Promise<void> {
    await this.#attempt(async () => {
      if (reachable(this.#config, [this.name]).length === 0) {
        this.reason = 'the configuration gives no url for it; compare where both databases can be reached';
        return;
      }
      const url = needSubscriberUrl(this.#config, this.name);
      const [requesting, reading] = await Promise.allSettled([openReading(url), openReading(url)]);
      if (requesting.status === 'fulfilled') this.#requesting = requesting.value;
      if (reading.status === 'fulfilled') this.reading = reading.value;
      if (requesting.status === 'rejected') throw requesting.reason;
      if (reading.status === 'rejected') throw reading.reason;
      if (this.#plan.writes) await becomeReplica(reading.value);
      // Without a provider there is nothing to align with, and the caller reports its error.
      const tick = await newest.catch(() => undefined);
      if (tick === undefined) return;
      await this.#waitFor(reading.value, timeoutMs, { tick, isThere: (at) => at >= tick });
    });
  }

  /** Requests that replay stops at a tick that is not visible yet. */
  async requestHold(tick: number, timeoutMs: number): Promise<void> {
    const session = this.#requesting;
    if (session === undefined || this.reason !== undefined) return;
    await this.#attempt(async () => {
      const { queue } = this.#config;
      const requested = pinPause(session, { queue, tick, forMs: timeoutMs + announceMs });
      const hold = await Promise.race([requested, delay(announceMs, undefined, { ref: false })]);
      if (hold === undefined) this.reason = 'its database does not answer';
      else this.#hold = hold;
    });
  }

  /** Takes the snapshot when replay stands at the tick, and releases replay. */
  async takeSnapshot({ tick, fingerprint }: Tick, timeoutMs: number): Promise<void> {
    const { reading } = this;
    if (reading === undefined || this.#hold === undefined || this.reason !== undefined) return;
    await this.#attempt(async () => {
      const at = await this.#waitFor(reading, timeoutMs, { tick, isThere: (now) => now >= tick, keep: true });
      if (at === undefined) return;
      if (Number(at.tick) !== tick) this.reason = 'it went on before its snapshot was taken; try again';
      else if (at.fingerprint !== fingerprint)
        this.reason = `tick ${tick}, where it stands, is not one that this provider made`;
      else if (this.#plan.writes) await lockPosition(reading, this.#config.queue, { tick, fingerprint });
    });
    await this.#release();
  }

  async close(): Promise<void> {
    await this.#release();
    await Promise.all([disconnect(this.#requesting), disconnect(this.reading)]);
  }

  /** Resolves at the goal, with the transaction open when `keep` is set; undefined when it cannot be reached. */
  async #waitFor(session: PgClient, timeoutMs: number, goal: HoldGoal): Promise<ReplayStanding | undefined> {
    const { locked, writes } = this.#plan;
    const begun = performance.now();
    for (let pause = minPauseMs; ; pause = Math.min(maxPauseMs, pause * 1.3)) {
      await session.query(goal.keep === true && writes ? beginWritingSql : beginReadingSql);
      if (goal.keep === true) for (const table of locked) await session.query(lockTableSql(table));
      const standing = await readReplayStanding(session, this.#config.queue);
      const isThere = standing !== undefined && goal.isThere(Number(standing.tick));
      if (!isThere || goal.keep !== true) await session.query(endReadingSql);
      if (isThere) return standing;
      this.reason = obstacleOf(standing, this.name);
      if (this.reason !== undefined) return undefined;
      if (performance.now() - begun > timeoutMs) {
        this.reason = `it is behind, at tick ${standing?.tick} of ${goal.tick}; compare when it has caught up, or give more time with --timeout`;
        return undefined;
      }
      await delay(pause);
    }
  }

  /** Replay goes on; a hold whose session has ended does not count either. */
  async #release(): Promise<void> {
    const [session, hold] = [this.#requesting, this.#hold];
    this.#hold = undefined;
    if (session === undefined || hold === undefined) return;
    try {
      await unpinPause(session, hold);
    } catch {
      dropSession(session);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.reason = toMillraceError(statementError(error, 'its database')).sentence;
    }
  }
}

/** What prevents a replay from getting further, or undefined when it is on its way. */
function obstacleOf(standing: ReplayStanding | undefined, name: string): string | undefined {
  if (standing === undefined) return 'the queue is not set up there; run `millrace install`';
  if (standing.paused) return `it is paused; \`millrace resume ${name}\` lets it go on`;
  if (standing.state === 'stopped') return `it is stopped: ${standing.error_message ?? 'see `millrace status`'}`;
  if (standing.age_ms === null || standing.age_ms > silenceMs)
    return `its replay does not run; start it with \`millrace run replay ${name}\``;
  return undefined;
}
