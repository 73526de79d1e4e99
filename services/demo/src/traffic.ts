import { setTimeout as delay } from 'node:timers/promises';
import { connect, type PgClient, sqlstateOf } from '@millrace/postgres';
import { sqlText } from './sql-text.ts';

/** What a session does, and how often in a hundred. */
const mix: readonly (readonly [string, number])[] = [
  ['place_order', 25],
  ['pay_order', 25],
  ['write_entry', 25],
  ['edit_entry', 10],
  ['change_price', 10],
  ['cancel_order', 5],
];

/** Sessions of an application that changes the provider's tables until it is stopped. */
export class Traffic {
  readonly #url: string;
  readonly #sessions: Promise<void>[] = [];
  #stopping = false;
  /** Transactions committed so far. */
  transactions = 0;

  constructor(url: string) {
    this.#url = url;
  }

  start(sessions: number): void {
    for (let n = 0; n < sessions; n += 1) this.#sessions.push(this.#run());
  }

  /** Resolves when every session has ended. Throws what a session could not do. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#sessions);
  }

  async #run(): Promise<void> {
    const client = await connect(this.#url, { applicationName: 'demo application' });
    try {
      while (!this.#stopping) {
        await this.#transaction(client);
        await delay(2 + Math.random() * 12);
      }
    } finally {
      await client.end();
    }
  }

  /** One to four statements, sometimes rolled back: those must not arrive. */
  async #transaction(client: PgClient): Promise<void> {
    try {
      await client.query('BEGIN');
      const statements = 1 + Math.floor(Math.random() * 4);
      for (let n = 0; n < statements; n += 1) await client.query(await sqlText(pick()));
      const keeps = Math.random() > 0.05;
      await client.query(keeps ? 'COMMIT' : 'ROLLBACK');
      if (keeps) this.transactions += 1;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      // Two sessions that wait for each other are part of an application's life.
      if (sqlstateOf(error) !== '40P01') throw error;
    }
  }
}

function pick(): string {
  let left = Math.random() * 100;
  for (const [name, share] of mix) {
    left -= share;
    if (left < 0) return name;
  }
  return 'write_entry';
}
