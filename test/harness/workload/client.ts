import type { PgClient } from '@millrace/postgres';
import { type Database, sqlstate } from '../database.ts';
import { pause } from '../pause.ts';
import type { Random } from '../random.ts';
import type { Ledger } from './ledger.ts';
import { type BodyName, bodies, keyRangeStart } from './transactions.ts';

export interface ClientPlan {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly random: Random;
  /** The client's number, from 1; it owns the transaction numbers and keys of this range. */
  readonly keyRange: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Time between transactions, ms. */
  readonly thinkMs: number;
  /** Longest time a slow transaction stays open, ms; may be changed while clients run. */
  readonly hold: { ms: number };
  readonly weights: Readonly<Record<BodyName, number>>;
}

/** Server answers that are part of life when servers are killed and clients meet; 42704: settled by `settlePrepared`. */
const expected = /^(40001|40P01|57P0[1-5]|08...|53300|25006|55P03|42704)$/;

/** A client of the application: one transaction after the other until it is told to stop, through any crash. */
export class Client {
  readonly #plan: ClientPlan;
  #session: PgClient | undefined;
  #txno: number;

  constructor(plan: ClientPlan) {
    this.#plan = plan;
    this.#txno = keyRangeStart(plan.keyRange);
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const session = await this.#connect();
      if (session !== undefined) await this.#transaction(session);
      await pause(session === undefined ? 200 : this.#plan.random.int(0, 2 * this.#plan.thinkMs));
    }
    await this.#session?.end().catch(() => {});
  }

  async #connect(): Promise<PgClient | undefined> {
    try {
      this.#session ??= await this.#plan.database.session(this.#plan.settings);
    } catch {
      // The server is down; the next round tries again.
    }
    return this.#session;
  }

  async #transaction(session: PgClient): Promise<void> {
    const { ledger, random } = this.#plan;
    this.#txno += 1;
    const txno = this.#txno;
    const name = random.weighted(this.#plan.weights);
    try {
      await session.query('BEGIN');
      await bodies[name]({ client: session, txno, keyRange: this.#plan.keyRange, random });
      await session.query('INSERT INTO public.log (txno, payload) VALUES ($1, $2)', [txno, name]);
      if (name !== 'side' && random.chance(0.2)) await pause(random.int(0, this.#plan.hold.ms));
    } catch (error) {
      ledger.record(txno, 'failed');
      await this.#recover(error, `${name} ${txno}`);
      return;
    }
    await this.#finish(session, txno);
  }

  async #finish(session: PgClient, txno: number): Promise<void> {
    const { ledger, random } = this.#plan;
    const wanted = random.weighted({ commit: 88, rollback: 6, prepare: 6 });
    try {
      if (wanted === 'rollback') {
        ledger.record(txno, 'failed');
        await session.query('ROLLBACK');
      } else if (wanted === 'prepare') {
        await this.#twoPhases(session, txno);
      } else {
        ledger.record(txno, 'unknown');
        await session.query('COMMIT');
        ledger.record(txno, 'ok');
      }
    } catch (error) {
      if (wanted === 'commit' && isPlainRefusal(error)) ledger.record(txno, 'failed');
      await this.#recover(error, `${wanted} ${txno}`);
    }
  }

  /** Between the phases anything may happen; a crash leaves the rest to `settlePrepared`. */
  async #twoPhases(session: PgClient, txno: number): Promise<void> {
    const { ledger, random } = this.#plan;
    const commit = random.chance(0.7);
    ledger.record(txno, 'unknown');
    await session.query(`PREPARE TRANSACTION 'tx ${txno}'`);
    await pause(random.int(0, this.#plan.hold.ms));
    await session.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED 'tx ${txno}'`);
    ledger.record(txno, commit ? 'ok' : 'failed');
  }

  async #recover(error: unknown, doing: string): Promise<void> {
    const state = sqlstate(error);
    if (state !== undefined && !expected.test(state)) {
      this.#plan.ledger.surprise(`${doing}: ${state} ${error instanceof Error ? error.message : ''}`);
    }
    const session = this.#session;
    try {
      if (state === undefined || /^(57P|08)/.test(state)) throw error;
      await session?.query('ROLLBACK');
    } catch {
      this.#session = undefined;
      session?.end().catch(() => {});
    }
  }
}

/** The server refused the commit and is alive: the transaction is rolled back for certain. */
function isPlainRefusal(error: unknown): boolean {
  return /^(40|23|55)/.test(sqlstate(error) ?? '');
}

/**
 * Ends what clients left prepared when the server crashed between the phases: it holds locks that others wait for.
 * Their fate stays `unknown`. `olderThanMs`: younger ones may still be ended by their clients.
 */
export async function settlePrepared(database: Database, olderThanMs: number): Promise<void> {
  const left = await database.rows(
    `SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND prepared < now() - make_interval(secs => $1)`,
    [olderThanMs / 1000],
  );
  for (const { gid } of left) await database.run(`COMMIT PREPARED '${String(gid).replaceAll("'", "''")}'`);
}
