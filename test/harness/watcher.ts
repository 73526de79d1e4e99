import type { PgClient } from '@millrace/postgres';
import type { Database } from './database.ts';
import type { Finding } from './oracle.ts';
import { pause } from './pause.ts';

const torn = `
  SELECT txno::text, count(*)::int AS n, max(of_k)::int AS k FROM (
    SELECT txno, of_k FROM public.group_a UNION ALL SELECT txno, of_k FROM public.group_b
    UNION ALL SELECT txno, of_k FROM public.group_c) g
  GROUP BY txno HAVING count(*) <> max(of_k) LIMIT 3`;

/** One pass over all transfers: each balance is its opening balance and its transfers; each version counts them. */
const unbalanced = `
  SELECT a.id, a.balance::text, a.ver::text, m.delta::text, m.n::text FROM public.account a LEFT JOIN (
    SELECT id, sum(delta) AS delta, count(*) AS n FROM (
      SELECT src AS id, -amt AS delta FROM public.transfer UNION ALL SELECT dst, amt FROM public.transfer) t
    GROUP BY id) m USING (id)
  WHERE a.balance <> a.opening + coalesce(m.delta, 0) OR a.ver <> coalesce(m.n, 0) LIMIT 3`;

/**
 * A reader at a subscriber that looks again and again, each time in one REPEATABLE READ snapshot: whatever it sees must
 * be a state that the provider really had.
 */
export class Watcher {
  readonly name: string;
  readonly findings: Finding[] = [];
  /** Snapshots taken. */
  looks = 0;
  readonly #database: Database;
  readonly #total: number;
  #lastFull = 0;
  #client: PgClient | undefined;

  constructor(name: string, database: Database, total: number) {
    this.name = name;
    this.#database = database;
    this.#total = total;
  }

  /** Looks about every 50 ms until told to stop; a server that is down is waited for. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        this.#client ??= await this.#database.session();
        await this.#look(this.#client);
      } catch {
        const old = this.#client;
        this.#client = undefined;
        old?.end().catch(() => {});
        await pause(200);
      }
      await pause(50);
    }
    await this.#client?.end().catch(() => {});
  }

  async #look(client: PgClient): Promise<void> {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const sum = await client.query('SELECT sum(balance)::text AS total FROM public.account');
    const total = Number((sum.rows[0] as { total: string | null }).total);
    if (total !== this.#total) this.#find('money is constant', `${total} instead of ${this.#total}`);
    for (const row of (await client.query(torn)).rows) this.#find('batches are whole', JSON.stringify(row));
    if (performance.now() - this.#lastFull > 1000) {
      for (const row of (await client.query(unbalanced)).rows)
        this.#find('accounts fit their transfers', JSON.stringify(row));
      this.#lastFull = performance.now();
    }
    await client.query('COMMIT');
    this.looks += 1;
  }

  #find(rule: string, detail: string): void {
    if (this.findings.filter((finding) => finding.rule === rule).length < 5)
      this.findings.push({ rule, detail: `${this.name}: ${detail}` });
  }
}
