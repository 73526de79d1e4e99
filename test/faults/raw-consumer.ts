import type { PgClient } from '@millrace/postgres';
import type { Database } from '../harness/database.ts';
import { pause } from '../harness/pause.ts';

export interface RawConsumerPlan {
  readonly source: Database;
  /** Where it writes down what it takes, with schema pgq_ext. */
  readonly other: Database;
  readonly queue: string;
  readonly name: string;
}

/** A consumer in SQL alone, as the contract describes it: exactly once into another database by pgq_ext. */
export class RawConsumer {
  readonly #plan: RawConsumerPlan;

  constructor(plan: RawConsumerPlan) {
    this.#plan = plan;
  }

  /** Works until the signal, on new sessions whenever one is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, other } = this.#plan;
    const settings = { application_name: 'stress raw' };
    while (!signal.aborted) {
      const both = () =>
        source.within((from) => other.within((to) => this.#work(from, to, signal), settings), settings);
      await both().catch(() => pause(20));
    }
  }

  async #work(from: PgClient, to: PgClient, signal: AbortSignal): Promise<void> {
    const { queue, name } = this.#plan;
    while (!signal.aborted) {
      const { rows } = await from.query('SELECT * FROM pgq.next_batch_info($1, $2)', [queue, name]);
      const { batch_id: batch, prev_tick_id: prev, cur_tick_id: cur } = rows[0] ?? {};
      if (batch === undefined || batch === null) {
        await pause(20);
        continue;
      }
      await this.#take(from, to, { batch, prev, cur });
      await from.query('SELECT pgq.finish_batch($1)', [batch]);
    }
  }

  async #take(from: PgClient, to: PgClient, { batch, prev, cur }: { batch: string; prev: string; cur: string }) {
    const { name } = this.#plan;
    await to.query('BEGIN');
    const done = (await to.query('SELECT pgq_ext.get_last_tick($1) AS tick', [name])).rows[0]?.tick as string | null;
    if (done !== cur) {
      if (done !== null && done !== prev) throw new Error(`lost position: batch ${prev}..${cur}, here ${done}`);
      const { rows } = await from.query('SELECT ev_data FROM pgq.get_batch_events($1)', [batch]);
      const data = rows.map((row) => row.ev_data as string);
      await to.query('INSERT INTO taken SELECT $1, unnest($2::text[])', [name, data]);
      await to.query('SELECT pgq_ext.set_last_tick($1, $2::bigint)', [name, cur]);
    }
    await to.query('COMMIT');
  }
}
