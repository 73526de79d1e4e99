import { setTimeout as delay } from 'node:timers/promises';
import { type Config, needProvider, needSubscriberUrl } from '@millrace/config';
import { toMillraceError } from '@millrace/errors';
import type { TableName, Tick } from '@millrace/model';
import { applySettings, connect, databaseError, disconnect, type PgClient, pinSettings } from '@millrace/postgres';
import { lastTick, type PinnedTick, pinTick } from '@millrace/provider';
import {
  becomeReplica,
  endHold,
  holdPosition,
  type ReplayStanding,
  readReplayStanding,
  wishHold,
} from '@millrace/subscriber';
import { reachable } from '../sides/choose-subscribers.ts';
import { beginReadingSql, compareSettings, endReadingSql, lockTableSql } from './plan-compare.ts';
import { beginWritingSql } from './plan-repair.ts';

/** A subscriber at the tick: a session that sees its tables exactly as of it. */
export interface Arrived {
  readonly name: string;
  readonly client: PgClient;
}

/** A subscriber that is not, and why, as the end of a sentence about it. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** One tick of the provider, with sessions that see both sides as of it. */
export interface Meeting {
  readonly tick: Tick;
  readonly provider: PgClient;
  readonly arrived: readonly Arrived[];
  readonly absent: readonly Absent[];
  /** Ends all its sessions. */
  close(): Promise<void>;
}

/** How long a subscriber may need to tell of the wish, while nobody ticks, ms. */
const announceMs = 2000;
/** Silence of a replay that does not run, ms. */
const silenceMs = 20_000;
const pauses = { shortest: 5, longest: 100 };

export interface MeetingPlan {
  /** Subscribers. */
  readonly names: readonly string[];
  /** How long a subscriber that is behind is waited for, ms. */
  readonly timeoutMs: number;
  /**
   * Tables kept from being truncated or altered until the meeting ends, at both sides. Writers do not notice; for tables that
   * are truncated all the time. Default: none, whoever reads finds out.
   */
  readonly locked?: readonly TableName[];
  /**
   * The subscribers' sessions get no snapshot but a transaction that writes and holds the position: replay cannot go on
   * from the tick until it ends. Default false.
   */
  readonly writes?: boolean;
}

/**
 * Brings the provider and subscribers to one tick: the provider by a pinned one, the subscribers by stopping their replay at it
 * until a session there has its snapshot. Replay rests for moments. Throws what the provider throws.
 */
export async function meet(config: Config, plan: MeetingPlan): Promise<Meeting> {
  const { names, timeoutMs, locked = [], writes = false } = plan;
  const guests = names.map((name) => new Guest(config, name, { locked, writes }));
  const host = new Host(config);
  let pinned: PinnedTick | undefined;
  const close = async () => {
    await Promise.all([...guests.map((guest) => guest.close()), pinned?.release(), host.close()]);
  };
  try {
    // Before anything is pinned: a snapshot is not to be held for the sake of those that are behind.
    const newest = host.newest();
    await Promise.all(guests.map((guest) => guest.reach(newest, timeoutMs)));
    await newest;
    const announce = async ({ tick }: Tick) => {
      await Promise.all(guests.map((guest) => guest.invite(tick, timeoutMs)));
    };
    const made = await pinTick(() => host.session(), config.queue, locked, announce);
    pinned = made;
    await Promise.all(guests.map((guest) => guest.arrive(made, timeoutMs)));
    const arrived = guests.flatMap(({ name, reading, reason }) =>
      reading === undefined || reason !== undefined ? [] : [{ name, client: reading }],
    );
    const absent = guests.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]));
    return { tick: made, provider: made.client, arrived, absent, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The provider's sessions: as many as pinning a tick takes, opened at once. */
class Host {
  readonly #config: Config;
  readonly #sessions: Promise<PgClient>[];

  constructor(config: Config) {
    const { url } = needProvider(config);
    this.#config = config;
    this.#sessions = [openReading(url), openReading(url)];
    // Whoever takes one meets its error.
    for (const session of this.#sessions) session.catch(() => {});
  }

  /** The newest tick's number. */
  async newest(): Promise<number> {
    const session = await this.#sessions[0];
    if (session === undefined) throw new Error('the sessions were taken already');
    return (await lastTick(session, this.#config.queue))?.tick ?? 0;
  }

  /** Hands over a session, whose end is then the taker's affair. */
  session(): Promise<PgClient> {
    return this.#sessions.shift() ?? openReading(needProvider(this.#config).url);
  }

  /** Ends those that nobody took. */
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

/** One subscriber on its way to the tick. Never throws: what keeps it away is its reason. */
class Guest {
  readonly name: string;
  readonly #config: Config;
  /** The session that wishes the hold. */
  #wishing: PgClient | undefined;
  #hold: number | undefined;
  readonly #plan: Required<Pick<MeetingPlan, 'locked' | 'writes'>>;
  reading: PgClient | undefined;
  reason: string | undefined;

  constructor(config: Config, name: string, plan: Required<Pick<MeetingPlan, 'locked' | 'writes'>>) {
    this.#config = config;
    this.name = name;
    this.#plan = plan;
  }

  /** Opens its sessions and waits until it has applied `newest`. */
  async reach(newest: Promise<number>, timeoutMs: number): Promise<void> {
    await this.#attempt(async () => {
      if (reachable(this.#config, [this.name]).length === 0) {
        this.reason = 'the configuration gives no url for it; compare where both databases can be reached';
        return;
      }
      const url = needSubscriberUrl(this.#config, this.name);
      const [wishing, reading] = await Promise.allSettled([openReading(url), openReading(url)]);
      if (wishing.status === 'fulfilled') this.#wishing = wishing.value;
      if (reading.status === 'fulfilled') this.reading = reading.value;
      if (wishing.status === 'rejected') throw wishing.reason;
      if (reading.status === 'rejected') throw reading.reason;
      if (this.#plan.writes) await becomeReplica(reading.value);
      // Without a provider there is no meeting, and the error is told by who asked for it.
      const tick = await newest.catch(() => undefined);
      if (tick === undefined) return;
      await this.#waitFor(reading.value, timeoutMs, { tick, isThere: (at) => at >= tick });
    });
  }

  /** Asks replay to stop at a tick that nobody can see yet. */
  async invite(tick: number, timeoutMs: number): Promise<void> {
    const session = this.#wishing;
    if (session === undefined || this.reason !== undefined) return;
    await this.#attempt(async () => {
      const { queue } = this.#config;
      const wished = wishHold(session, { queue, tick, forMs: timeoutMs + announceMs });
      const hold = await Promise.race([wished, delay(announceMs, undefined, { ref: false })]);
      if (hold === undefined) this.reason = 'its database does not answer';
      else this.#hold = hold;
    });
  }

  /** Takes the snapshot when replay stands at the tick, and lets it go on. */
  async arrive({ tick, fingerprint }: Tick, timeoutMs: number): Promise<void> {
    const { reading } = this;
    if (reading === undefined || this.#hold === undefined || this.reason !== undefined) return;
    await this.#attempt(async () => {
      const at = await this.#waitFor(reading, timeoutMs, { tick, isThere: (now) => now >= tick, keep: true });
      if (at === undefined) return;
      if (Number(at.tick) !== tick) this.reason = 'it went on before it could be looked at; try again';
      else if (at.fingerprint !== fingerprint)
        this.reason = `tick ${tick}, where it stands, is not one that this provider made`;
      else if (this.#plan.writes) await holdPosition(reading, this.#config.queue, { tick, fingerprint });
    });
    await this.#letGo();
  }

  async close(): Promise<void> {
    await this.#letGo();
    await Promise.all([disconnect(this.#wishing), disconnect(this.reading)]);
  }

  /** Ends with a transaction open at the place that was waited for when it is to be kept. */
  async #waitFor(
    session: PgClient,
    timeoutMs: number,
    goal: { tick: number; isThere: (tick: number) => boolean; keep?: boolean },
  ): Promise<ReplayStanding | undefined> {
    const { locked, writes } = this.#plan;
    const begun = performance.now();
    for (let pause = pauses.shortest; ; pause = Math.min(pauses.longest, pause * 1.3)) {
      await session.query(goal.keep === true && writes ? beginWritingSql : beginReadingSql);
      if (goal.keep === true) for (const table of locked) await session.query(lockTableSql(table));
      const look = await readReplayStanding(session, this.#config.queue);
      const isThere = look !== undefined && goal.isThere(Number(look.tick));
      if (!isThere || goal.keep !== true) await session.query(endReadingSql);
      if (isThere) return look;
      this.reason = obstacleOf(look, this.name);
      if (this.reason !== undefined) return undefined;
      if (performance.now() - begun > timeoutMs) {
        this.reason = `it is behind, at tick ${look?.tick} of ${goal.tick}; compare when it has caught up, or give more time with --timeout`;
        return undefined;
      }
      await delay(pause);
    }
  }

  /** Replay goes on; without the session the wish counts for nothing either. */
  async #letGo(): Promise<void> {
    const [session, hold] = [this.#wishing, this.#hold];
    this.#hold = undefined;
    if (session === undefined || hold === undefined) return;
    try {
      await endHold(session, hold);
    } catch {
      await disconnect(session, 0);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.reason = toMillraceError(databaseError(error, 'its database')).sentence;
    }
  }
}

/** What keeps a replay from getting further, or undefined when it is on its way. */
function obstacleOf(look: ReplayStanding | undefined, name: string): string | undefined {
  if (look === undefined) return 'the queue is not set up there; run `millrace install`';
  if (look.paused) return `it is paused; \`millrace resume ${name}\` lets it go on`;
  if (look.state === 'stopped') return `it is stopped: ${look.error_message ?? 'see `millrace status`'}`;
  if (look.age_ms === null || look.age_ms > silenceMs)
    return `its replay does not run; start it with \`millrace run replay ${name}\``;
  return undefined;
}
