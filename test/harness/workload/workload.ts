import { readFileSync } from 'node:fs';
import { waitFor } from '@millrace/testkit';
import type { Database } from '../database.ts';
import { pause } from '../pause.ts';
import type { Random } from '../random.ts';
import { Client, type ClientPlan, settlePrepared } from './client.ts';
import { hostileSettings } from './hostile-values.ts';
import { Ledger } from './ledger.ts';

/** Tables and sequences of the workload that are replicated, and how they are called on the command line. */
export const workloadTables = [
  'account',
  'transfer',
  'group_a',
  'group_b',
  'group_c',
  'log',
  'pkmove',
  'side',
  'counter',
  'bulk',
  'kinds',
  'job',
  'job_history',
] as const;
export const workloadSequences = ['log_id_seq', 'job_history_id_seq'] as const;

/** How often each kind of transaction comes. */
const defaultWeights = {
  transfer: 30,
  group: 20,
  pkmove: 15,
  kinds: 10,
  job: 8,
  upsert: 6,
  savepoints: 4,
  bulk: 2,
  side: 5,
} as const;

const sqlOf = (name: string): string => readFileSync(new URL(`./${name}.sql`, import.meta.url), 'utf8');

/** Makes the workload's tables: at the provider with rows and triggers, at a subscriber empty and with witnesses. */
export async function createWorkload(provider: Database, subscribers: Iterable<Database>): Promise<void> {
  await provider.run(sqlOf('schema'));
  await provider.run(sqlOf('provider'));
  for (const subscriber of subscribers) {
    await subscriber.run(sqlOf('schema'));
    await subscriber.run(sqlOf('subscriber'));
  }
}

export interface WorkloadPlan {
  readonly random: Random;
  readonly clients: number;
  readonly thinkMs?: number;
  readonly holdMs?: number;
  readonly weights?: ClientPlan['weights'];
}

/** Clients at work. */
export class Workload {
  readonly ledger = new Ledger();
  /** Longest time a slow transaction stays open, ms. */
  readonly hold = { ms: 3000 };
  readonly #stop = new AbortController();
  readonly #database: Database;
  #running: Promise<unknown> = Promise.resolve();
  #isDone = true;

  constructor(provider: Database) {
    this.#database = provider;
  }

  start(plan: WorkloadPlan): void {
    this.hold.ms = plan.holdMs ?? 3000;
    const clients = Array.from({ length: plan.clients }, (_, at) => {
      return new Client({
        database: this.#database,
        ledger: this.ledger,
        random: plan.random.fork(at),
        keyRange: at + 1,
        settings: at % 2 === 0 ? {} : hostileSettings,
        thinkMs: plan.thinkMs ?? 20,
        hold: this.hold,
        weights: plan.weights ?? defaultWeights,
      });
    });
    const running = clients.map((client) => client.run(this.#stop.signal));
    this.#isDone = false;
    this.#running = Promise.all(running).finally(() => {
      this.#isDone = true;
    });
    void this.#settle();
  }

  /** Lets every client finish its transaction, and settles what was left prepared. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await waitFor('prepared transactions are settled', async () => {
      await settlePrepared(this.#database, 0);
      return true;
    });
  }

  /** Does what a transaction manager would do after a crash, while the clients go on. */
  async #settle(): Promise<void> {
    while (!this.#isDone) {
      await settlePrepared(this.#database, 15_000).catch(() => {});
      await pause(1000);
    }
  }
}
