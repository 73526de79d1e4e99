import { waitFor } from '@millrace/testkit';
import { Ground } from '../harness/ground.ts';
import { type Finding, isEqual, judge, type Question } from '../harness/oracle.ts';
import { pause } from '../harness/pause.ts';
import { Random } from '../harness/random.ts';
import type { Site } from '../harness/site.ts';
import { Watcher } from '../harness/watcher.ts';
import { createWorkload, Workload, workloadSequences, workloadTables } from '../harness/workload/workload.ts';
import { type ActionName, actions, chaosWeights, rememberStore, restore, type Scene } from './chaos-actions.ts';
import { leftovers } from './leftovers.ts';

export interface ChaosPlan {
  readonly seed: number;
  /** Faults to bring about; each counts only when seen from outside. */
  readonly faults: number;
  /** Longest run of the chaos itself, ms. */
  readonly timeoutMs: number;
  /** Time from the beginning of one fault to the next, ms, on average. */
  readonly everyMs: number;
  readonly say?: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly findings: readonly Finding[];
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly total: number;
  /** What the oracle looked at: rows, snapshots, transactions by outcome. */
  readonly looked: Readonly<Record<string, number>>;
  readonly healedMs: number;
}

/** How soon after the last fault all must be equal again, without any further write. */
const healMs = 90_000;

/** A whole run: ground, workload, faults, healing, verdict. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const ground = await Ground.start({
    name: 'chaos',
    servers: { provider: { major: 15 }, eu: { major: 18 }, us: { major: 15 } },
  });
  try {
    const site = await ground.site({ name: 'chaos', provider: 'provider', subscribers: { eu: 'eu', us: 'us' } });
    return await new ChaosRun(plan, site).run();
  } finally {
    await ground.stop();
  }
}

class ChaosRun {
  readonly #plan: ChaosPlan;
  readonly #site: Site;
  readonly #scene: Scene;
  readonly #faults: Record<string, number> = {};
  readonly #say: (line: string) => void;
  #total = 0;

  constructor(plan: ChaosPlan, site: Site) {
    this.#plan = plan;
    this.#site = site;
    const random = new Random(plan.seed);
    this.#scene = { site, random, busy: new Set(), oldStore: { takenAt: undefined } };
    this.#say = plan.say ?? (() => {});
  }

  async run(): Promise<ChaosReport> {
    const site = this.#site;
    const workload = new Workload(site.provider);
    await createWorkload(site.provider, site.subscribers.values());
    // The first copies are made while the clients are at work already; adding a table needs a moment without any
    // transaction on it, so the slow ones come later.
    workload.start({ random: new Random(this.#plan.seed + 1), clients: 5, holdMs: 20 });
    await site.begin({ tables: [...workloadTables], sequences: [...workloadSequences] });
    await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '4 seconds'");
    this.#say('all tables are copied');
    workload.hold.ms = 3000;
    const stop = new AbortController();
    const watchers = [...site.subscribers].map(([name, database]) => new Watcher(name, database, 40_000));
    const watching = Promise.all(watchers.map((watcher) => watcher.run(stop.signal)));
    await this.#faultAfterFault();
    await restore(this.#scene);
    await workload.stop();
    const question = this.#question(workload);
    const healed = await this.#heal(question);
    stop.abort();
    await watching;
    return this.#report(question, watchers, healed);
  }

  #question(workload: Workload): Question {
    const { provider, subscribers } = this.#site;
    const tables = ['marker', ...workloadTables];
    return { provider, subscribers, ledger: workload.ledger, tables, sequences: workloadSequences };
  }

  async #faultAfterFault(): Promise<void> {
    const { random } = this.#scene;
    const deadline = performance.now() + this.#plan.timeoutMs;
    const going = new Set<Promise<void>>();
    while (this.#total < this.#plan.faults && performance.now() < deadline) {
      const { takenAt } = this.#scene.oldStore;
      if (takenAt === undefined || performance.now() - takenAt > 20_000) await rememberStore(this.#scene);
      const one = this.#fault(random.weighted(chaosWeights));
      going.add(one);
      void one.finally(() => going.delete(one));
      await pause(random.int(0, 2 * this.#plan.everyMs));
    }
    await Promise.all(going);
  }

  async #fault(name: ActionName): Promise<void> {
    try {
      const done = await actions[name](this.#scene);
      if (done === undefined) return;
      this.#total += 1;
      this.#faults[name] = (this.#faults[name] ?? 0) + 1;
      this.#say(`${this.#total} ${name}: ${done}`);
    } catch (error) {
      // A server that is just down cannot be asked to hurt itself.
      this.#say(`${name} could not be done: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Gives the time until all is equal, or undefined when it is not in time. */
  async #heal(question: Question): Promise<number | undefined> {
    const begin = performance.now();
    try {
      await waitFor('all subscribers equal the provider', () => isEqual(question), { timeoutMs: healMs, everyMs: 300 });
      return performance.now() - begin;
    } catch {
      return undefined;
    }
  }

  async #report(question: Question, watchers: readonly Watcher[], healed: number | undefined): Promise<ChaosReport> {
    const verdict = await judge(question);
    const findings = [...verdict.findings, ...watchers.flatMap((watcher) => watcher.findings)];
    if (healed === undefined) {
      findings.push({ rule: 'heals by itself', detail: `not within ${healMs} ms\n${await this.#site.diagnosis()}` });
    } else findings.push(...(await leftovers(this.#site)));
    const looks = Object.fromEntries(watchers.map((watcher) => [`${watcher.name} snapshots`, watcher.looks]));
    return {
      seed: this.#plan.seed,
      findings,
      faults: this.#faults,
      total: this.#total,
      looked: { ...verdict.looked, ...looks },
      healedMs: Math.round(healed ?? healMs),
    };
  }
}
