import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Database } from './database.ts';
import type { Site } from './site.ts';
import { projectRoot } from './standing.ts';

/** The document of `millrace compare --json`. */
export interface Compared {
  readonly equal: boolean;
  readonly tables: readonly {
    readonly name: string;
    readonly subscriber: string;
    readonly state: string;
    readonly reason: string | null;
    readonly provider_rows: number;
    readonly subscriber_rows: number;
    readonly missing: number;
    readonly extra: number;
    readonly different: number;
    readonly differences: readonly { readonly kind: string; readonly key: Readonly<Record<string, string>> }[];
    readonly all_listed: boolean;
  }[];
  readonly subscribers_not_compared: readonly { readonly name: string; readonly reason: string }[];
}

/** The results of one process that compares again and again. */
export async function* repeated(site: Site, times: number, ...tables: string[]): AsyncGenerator<Compared> {
  for await (const document of rounds(site, times, ...tables)) {
    if ('error' in document) throw new Error(`not compared: ${JSON.stringify(document)}`);
    yield document;
  }
}

/** The same with the rounds that failed. */
export async function* rounds(
  site: Site,
  times: number,
  ...tables: string[]
): AsyncGenerator<Compared | { readonly error: { readonly code: string } }> {
  const file = join(projectRoot, 'bin', 'millrace');
  const args = ['--config', site.configFile, 'compare', '--every', '100ms', '--json', ...tables];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      yield JSON.parse(line) as Compared | { error: { code: string } };
      seen += 1;
      if (seen === times) return;
    }
    throw new Error(`it ended after ${seen} runs`);
  } finally {
    child.kill();
  }
}

/** Changes rows of a table at the provider, in small transactions, until told to stop. Resolves to the transactions made. */
export function load(provider: Database, sql: (n: number) => string): { stop(): Promise<number> } {
  let running = true;
  const work = (async () => {
    let made = 0;
    while (running) {
      made += 1;
      await provider.run(sql(made));
    }
    return made;
  })();
  // A test that failed does not stop its load; the end of the servers does.
  work.catch(() => {});
  return {
    stop: () => {
      running = false;
      return work;
    },
  };
}

/** Two small tables that change all the time, one of them truncated now and then. */
export const busy = {
  schema: 'CREATE TABLE busy (id int PRIMARY KEY, v int); CREATE TABLE busy_two (id int PRIMARY KEY, v text)',
  tables: ['busy', 'busy_two'],
  traffic: (n: number): string =>
    n % 100 === 0
      ? 'TRUNCATE busy_two'
      : `INSERT INTO busy VALUES (${n}, 0) ON CONFLICT DO NOTHING; UPDATE busy SET v = v + 1 WHERE id > ${n - 10};
         INSERT INTO busy_two VALUES (${n}, repeat('x', ${n % 50})); DELETE FROM busy WHERE id < ${n - 300}`,
} as const;

/** What of a run is not an equal table. */
export function alarms(run: Compared): unknown[] {
  return [...run.tables.filter(({ state }) => state !== 'equal'), ...run.subscribers_not_compared];
}
