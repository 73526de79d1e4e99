// A NATS cluster of three servers that carries a queue loses one of them again and again, the leader of the stream among
// them: killed, frozen, or with its disk gone. Nobody helps; nothing may be lost, and changes must flow again soon.
import { join } from 'node:path';
import { type Bus, connectBus, streamCopies } from '@millrace/bus';
import type { EmbeddedNats } from '@millrace/embedded';
import { NatsCluster, waitFor } from '@millrace/testkit';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { pause } from '../harness/pause.ts';
import { Random } from '../harness/random.ts';
import type { Site } from '../harness/site.ts';

export const clusterFaults = ['kill', 'freeze', 'lose-disk'] as const;

export type ClusterFault = (typeof clusterFaults)[number];

export interface ClusterPlan {
  readonly seed: number;
  /** What happens in each round; undefined: drawn, for as long as `untilMs` says. */
  readonly faults?: readonly ClusterFault[];
  /** Milliseconds after which no further round begins. */
  readonly untilMs: number;
  readonly say: (line: string) => void;
}

export interface ClusterOutcome {
  readonly seed: number;
  readonly rounds: number;
  readonly byFault: Readonly<Record<ClusterFault, number>>;
  /** Rounds in which the leader of the stream of batches was hit. */
  readonly leaders: number;
  /** From the fault to a row written after it being at the subscriber, ms. */
  readonly recoveryMs: { readonly median: number; readonly longest: number };
  readonly rows: number;
  /** What was not as it must be. */
  readonly findings: readonly string[];
}

const queue = 'cluster';
const streams = [`millrace_${queue}`, `millrace_copy_${queue}`, `KV_millrace_${queue}`];
const recoverMs = 90_000;
const wholeMs = 120_000;

export async function runCluster(plan: ClusterPlan): Promise<ClusterOutcome> {
  const ground = await Ground.start({ name: 'cluster', servers: { all: { major: 18 } } });
  const cluster = await NatsCluster.start(join(ground.dir, 'cluster'));
  let bus: Bus | undefined;
  try {
    bus = await connectWhenReady(cluster.url(3));
    const site = await ground.site({ name: queue, provider: 'all', subscribers: { eu: 'all' }, bus: cluster.url(3) });
    await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY, v int NOT NULL, t text)');
    await site.begin({ tables: ['entry'] });
    return await new ClusterRun(plan, { cluster, bus, site }).all();
  } finally {
    await bus?.close();
    await ground.stop();
    await cluster.end();
  }
}

/** JetStream of a new cluster takes seconds until it has a leader. */
async function connectWhenReady(url: string): Promise<Bus> {
  return waitFor(
    'the cluster',
    async () => {
      const bus = await connectBus(url, { name: 'test' });
      await bus.streams.getAccountInfo().catch(async (error: unknown) => {
        await bus.close();
        throw error;
      });
      return bus;
    },
    { timeoutMs: 60_000 },
  );
}

interface Parts {
  readonly cluster: NatsCluster;
  readonly bus: Bus;
  readonly site: Site;
}

class ClusterRun {
  readonly #plan: ClusterPlan;
  readonly #parts: Parts;
  readonly #random: Random;
  readonly #recovered: number[] = [];
  readonly #findings: string[] = [];
  readonly #byFault = { kill: 0, freeze: 0, 'lose-disk': 0 };
  #leaders = 0;
  #rows = 0;

  constructor(plan: ClusterPlan, parts: Parts) {
    this.#plan = plan;
    this.#parts = parts;
    this.#random = new Random(plan.seed);
  }

  async all(): Promise<ClusterOutcome> {
    const { site } = this.#parts;
    const { faults, untilMs } = this.#plan;
    const writing = new AbortController();
    const written = this.#write(site.provider, writing.signal);
    const begun = performance.now();
    let rounds = 0;
    await this.#whole();
    while (rounds < (faults?.length ?? Number.POSITIVE_INFINITY) && performance.now() - begun < untilMs) {
      const isFine = await this.#round(faults?.[rounds] ?? this.#random.pick(clusterFaults));
      rounds += 1;
      if (!isFine) break;
    }
    writing.abort();
    await written;
    if (this.#findings.length === 0) {
      await site.sync(undefined, recoverMs);
      this.#findings.push(...(await site.differences(['entry'])));
    }
    const sorted = [...this.#recovered].sort((a, b) => a - b);
    const recoveryMs = { median: sorted[sorted.length >> 1] ?? 0, longest: sorted.at(-1) ?? 0 };
    const { seed } = this.#plan;
    const byFault = { ...this.#byFault };
    return { seed, rounds, byFault, leaders: this.#leaders, recoveryMs, rows: this.#rows, findings: this.#findings };
  }

  /** Hits one server, waits until changes flow again, and brings it back. False when something is not as it must be. */
  async #round(fault: ClusterFault): Promise<boolean> {
    const { cluster, site } = this.#parts;
    const leader = await this.#leader();
    const isLeader = this.#plan.faults !== undefined || this.#random.chance(0.6);
    const node = isLeader ? leader : this.#random.pick(cluster.nodes);
    this.#byFault[fault] += 1;
    if (node === leader) this.#leaders += 1;
    await this.#hit(node, fault);
    const begun = performance.now();
    try {
      await site.sync(undefined, recoverMs);
      const took = Math.round(performance.now() - begun);
      this.#recovered.push(took);
      this.#plan.say(`${fault} of ${node === leader ? 'the leader' : 'a server'}: ${took} ms`);
      if (this.#plan.faults === undefined) await pause(this.#random.int(0, 5000));
      if (fault === 'freeze') await node.kill('SIGCONT');
      else await node.start();
      await this.#whole();
      return true;
    } catch (error) {
      this.#findings.push(`${fault}: ${(error as Error).message}`);
      return false;
    }
  }

  async #hit(node: EmbeddedNats, fault: ClusterFault): Promise<void> {
    if (fault === 'lose-disk') await this.#parts.cluster.loseDisk(node);
    else await node.kill(fault === 'freeze' ? 'SIGSTOP' : 'SIGKILL');
  }

  async #leader(): Promise<EmbeddedNats> {
    const { cluster, bus } = this.#parts;
    return waitFor('a leader of the stream', async () => {
      const info = await bus.streams.streams.info(streams[0] ?? '');
      return info.cluster?.leader === undefined ? undefined : cluster.named(info.cluster.leader);
    });
  }

  /** Waits until every stream is up to date on all servers: another loss must find a majority. */
  async #whole(): Promise<void> {
    const isWhole = async (name: string) => (await streamCopies(this.#parts.bus, name))?.current === 3;
    const all = async () => (await Promise.all(streams.map(isWhole))).every(Boolean) || undefined;
    await waitFor('all servers to be up to date', all, { timeoutMs: wholeMs, everyMs: 250 });
  }

  /** The application: small transactions for as long as the run takes. */
  async #write(provider: Database, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const from = this.#rows;
      await provider.run(
        `INSERT INTO entry SELECT g, 0, repeat('x', g % 500) FROM generate_series(${from + 1}, ${from + 10}) g`,
      );
      await provider.run(`UPDATE entry SET v = v + 1 WHERE id % 97 = ${from % 97} AND id > ${from - 5000}`);
      this.#rows += 10;
      await pause(20);
    }
  }
}
