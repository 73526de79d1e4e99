// A queue with everything against it: a hundred sessions that hold transactions open, two tickers, rotation every second, and
// consumers that are killed. What was committed must reach every consumer, and nothing else.

import { join } from 'node:path';
import type { PgClient } from '@millrace/postgres';
import { installProvider, runMaintenance } from '@millrace/provider';
import { waitFor } from '@millrace/testkit';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { pause } from '../harness/pause.ts';
import { Random } from '../harness/random.ts';
import { ServiceProcess } from '../harness/service-process.ts';
import { projectRoot } from '../harness/standing.ts';
import { type Written, write } from './queue-writers.ts';
import { RawConsumer } from './raw-consumer.ts';

export interface StressOptions {
  readonly seed: number;
  readonly major: number;
  /** How long is written, ms. */
  readonly writeMs: number;
  /** Sessions that write. */
  readonly sessions: number;
  /** Between two kills, ms. */
  readonly everyMs: number;
  /** Longest wait for consumers that lack something, ms. Default two minutes. */
  readonly drainMs?: number;
  /** SQL for the queue's database before anything is written: a mistake that must be found. */
  readonly plant?: string;
  readonly say?: (line: string) => void;
}

export interface StressOutcome {
  readonly seed: number;
  readonly committed: number;
  readonly undone: number;
  readonly rotations: number;
  readonly killed: { readonly processes: number; readonly sessions: number };
  /** What a consumer lacks, has twice, or should not have; empty when all is well. */
  readonly findings: readonly string[];
}

/** Consumers by name; those of kind `at-least` may see an event twice. */
const kinds = { reader: 'at-least', here: 'once', there: 'elsewhere', team: 'team' } as const;

export async function runQueueStress(options: StressOptions): Promise<StressOutcome> {
  const settings = { max_connections: String(options.sessions + 60) };
  const ground = await Ground.start({ name: 'stress', servers: { server: { major: options.major, settings } } });
  const run = new Stress(options, ground);
  try {
    return await run.go();
  } finally {
    await run.end();
    await ground.stop();
  }
}

class Stress {
  readonly #options: StressOptions;
  readonly #ground: Ground;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #processes: ServiceProcess[] = [];
  readonly #killed = { processes: 0, sessions: 0 };
  readonly #loops: Promise<void>[] = [];
  #source!: Database;
  #other!: Database;
  #rotations = 0;

  constructor(options: StressOptions, ground: Ground) {
    this.#options = options;
    this.#ground = ground;
    this.#random = new Random(options.seed);
  }

  async go(): Promise<StressOutcome> {
    await this.#prepare();
    const raw = new RawConsumer({ source: this.#source, other: this.#other, queue: 'stress', name: 'raw' });
    this.#loops.push(raw.run(this.#stop.signal), this.#ticker(), this.#ticker(), this.#maintenance(), this.#killer());
    for (const process of this.#processes) process.start();
    const written = await this.#write();
    this.#options.say?.(`written: ${written.committed.size} events, ${written.undone} undone`);
    await this.#drained(written);
    const findings = await this.#findings(written);
    const { seed } = this.#options;
    return {
      ...{ seed, committed: written.committed.size, undone: written.undone, rotations: this.#rotations },
      ...{ killed: this.#killed, findings },
    };
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#processes.map((process) => process.kill()));
    await Promise.all([this.#source?.close(), this.#other?.close()]);
  }

  async #prepare(): Promise<void> {
    this.#source = await this.#ground.createDatabase('server', 'source');
    this.#other = await this.#ground.createDatabase('server', 'other');
    for (const database of [this.#source, this.#other]) {
      await database.within((client) => installProvider(client));
      await database.run('CREATE TABLE taken (consumer text NOT NULL, data text NOT NULL)');
    }
    await this.#source.run(`SELECT pgq.create_queue('stress');
      SELECT pgq.set_queue_config('stress', 'ticker_max_lag', '0'), pgq.set_queue_config('stress', 'rotation_period', '1 second')`);
    for (const name of [...Object.keys(kinds), 'raw'])
      await this.#source.run(`SELECT pgq.register_consumer('stress', $1)`, [name]);
    if (this.#options.plant !== undefined) await this.#source.run(this.#options.plant);
    for (const [name, kind] of Object.entries(kinds)) {
      for (const member of kind === 'team' ? ['1', '2'] : ['1'])
        this.#processes.push(this.#process(name, kind, member));
    }
  }

  #process(name: string, kind: string, member: string): ServiceProcess {
    return new ServiceProcess({
      label: `${name} ${member}`,
      file: process.execPath,
      args: [join(projectRoot, 'test', 'faults', 'queue-consumer.ts'), kind, name, this.#source.url, this.#other.url],
      cwd: this.#ground.dir,
      env: { ...process.env, MEMBER: member },
      logFile: join(this.#ground.dir, `${name}-${member}.log`),
    });
  }

  async #write(): Promise<Written> {
    const until = performance.now() + this.#options.writeMs;
    const sessions = Array.from({ length: this.#options.sessions }, (_, n) =>
      this.#source.within((client) => write(client, { name: `w${n}`, random: this.#random.fork(n), until })),
    );
    const all = await Promise.all(sessions);
    return {
      committed: new Set(all.flatMap(({ committed }) => [...committed])),
      undone: all.reduce((sum, { undone }) => sum + undone, 0),
    };
  }

  /** Does something over and over, on a session that is made anew when it is lost. */
  async #repeat(everyMs: number, work: (client: PgClient) => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#source
        .within(
          async (client) => {
            while (!this.#stop.signal.aborted) {
              await work(client);
              await pause(everyMs);
            }
          },
          { application_name: 'stress upkeep' },
        )
        .catch(() => pause(20));
    }
  }

  async #ticker(): Promise<void> {
    await this.#repeat(30, async (client) => {
      await client.query(`SELECT pgq.ticker('stress')`);
    });
  }

  async #maintenance(): Promise<void> {
    await this.#repeat(200, async (client) => {
      const table = async () => (await client.query('SELECT queue_cur_table AS n FROM pgq.queue')).rows[0]?.n;
      const before = await table();
      await runMaintenance(client, { vacuum: false });
      await client.query('SELECT pgq.maint_retry_events()');
      if ((await table()) !== before) this.#rotations += 1;
    });
  }

  /** Ends a process, or a session of anybody but the writers, now and then. */
  async #killer(): Promise<void> {
    const random = this.#random.fork(1_000);
    while (!this.#stop.signal.aborted) {
      await pause(this.#options.everyMs);
      if (random.chance(0.5)) {
        const victim = random.pick(this.#processes);
        await victim.kill();
        victim.start();
        this.#killed.processes += 1;
        continue;
      }
      const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'stress %' ORDER BY md5(pid::text || $1) LIMIT 1`;
      await this.#source.run(sql, [String(random.next())]);
      this.#killed.sessions += 1;
    }
  }

  /** Waits until every consumer has what was committed and stands at a tick behind that, with all processes alive. */
  async #drained({ committed }: Written): Promise<void> {
    const limits = { timeoutMs: this.#options.drainMs ?? 120_000, everyMs: 250 };
    const tell = (error: Error) => this.#options.say?.(error.message);
    const enough = async (consumer: string) => (await this.#taken(consumer)).size >= committed.size;
    const all = [...Object.keys(kinds), 'raw'].map((consumer) =>
      waitFor(`${consumer} has all`, () => enough(consumer), limits).catch(tell),
    );
    await Promise.all(all);
    const last = await this.#source.value(`SELECT max(tick_id) FROM pgq.tick`);
    await waitFor(
      'no batch is open before the end',
      async () =>
        (await this.#source.value(
          'SELECT count(*) FROM pgq.subscription WHERE coalesce(sub_last_tick, $1) < $1 OR (sub_batch IS NOT NULL AND sub_next_tick <= $1)',
          [last],
        )) === '0',
      limits,
    ).catch(tell);
  }

  /** What a consumer took, and how often. */
  async #taken(consumer: string): Promise<Map<string, number>> {
    const database = consumer === 'there' || consumer === 'raw' ? this.#other : this.#source;
    const rows = await database.rows('SELECT data, count(*)::int AS n FROM taken WHERE consumer = $1 GROUP BY data', [
      consumer,
    ]);
    return new Map(rows.map((row) => [String(row['data']), Number(row['n'])]));
  }

  async #findings({ committed }: Written): Promise<string[]> {
    const findings: string[] = [];
    for (const consumer of [...Object.keys(kinds), 'raw']) {
      const taken = await this.#taken(consumer);
      const missing = [...committed].filter((data) => !taken.has(data));
      const extra = [...taken.keys()].filter((data) => !committed.has(data));
      const twice = consumer === 'reader' ? [] : [...taken].filter(([, n]) => n > 1).map(([data]) => data);
      for (const [what, list] of Object.entries({ missing, extra, twice }))
        if (list.length > 0) findings.push(`${consumer}: ${what} ${list.length}, ${list.slice(0, 3).join(' ')}`);
    }
    return findings;
  }
}
