// What PgQ's own regression suite looks at, run on the real extension and on our schema: both must say the same.
import { installProvider } from '@millrace/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { extensionServer, nodeSchema, pgqPrograms } from '../harness/pgq-programs.ts';
import { nodeScenarios } from './node-scenarios.ts';
import { helpers, regression, type Scenario } from './regression-scenarios.ts';
import { triggerScenarios } from './trigger-scenarios.ts';

let ground: Ground;
let real: Database;
const ours = new Map<number, Database>();

/** Each statement with what it gave: rows, warnings, or its error. */
async function transcript(database: Database, scenario: Scenario): Promise<Map<string, string>> {
  return database.within(async (client) => {
    const lines = new Map<string, string>();
    let warnings: string[] = [];
    client.on('notice', ({ severity, message }) => {
      if (severity === 'WARNING') warnings.push(`${message}`);
    });
    for (const [number, step] of scenario.steps.entries()) {
      warnings = [];
      const answer = await client.query(step).then(
        (result) => ([] as { rows?: object[] }[]).concat(result).map(({ rows }) => shown(rows)),
        (error: Error) => [`ERROR: ${error.message}`],
      );
      lines.set(`${number} ${step}`, [...answer, ...warnings].join('\n'));
    }
    return lines;
  });
}

/** Rows without what is never the same twice. */
function shown(rows: readonly object[] | undefined): string {
  return JSON.stringify(rows?.map((row) => ({ ...row, ev_time: undefined, ev_txid: undefined })));
}

function compare(scenario: Scenario, theirs: Map<string, string>, own: Map<string, string>): void {
  const differing = [...theirs.keys()].filter((line) => theirs.get(line) !== own.get(line));
  const expected = (line: string) => Object.hasOwn(scenario.differs ?? {}, line.replace(/^\d+ /, ''));
  const unexpected = differing
    .filter((line) => !expected(line))
    .map((line) => `${line}\n  pgq: ${theirs.get(line)}\n  ours: ${own.get(line)}`);
  expect(unexpected.join('\n')).toBe('');
  const seen = new Set(differing.map((line) => line.replace(/^\d+ /, '')));
  expect(Object.keys(scenario.differs ?? {}).filter((step) => !seen.has(step))).toEqual([]);
}

describe.skipIf(pgqPrograms.why !== undefined)(`PgQ's own scenarios${skipped(pgqPrograms)}`, () => {
  beforeAll(async () => {
    // Vacuum has transactions of its own, which the extension's rotation waits for.
    const settings = { autovacuum_naptime: '1d' };
    ground = await Ground.start({
      name: 'regression',
      servers: { older: { ...extensionServer(), settings }, newer: { major: 18, settings } },
    });
    real = await ground.createDatabase('older', 'real');
    await real.run('CREATE EXTENSION pgq; CREATE EXTENSION pgq_node');
    ours.set(15, await ground.createDatabase('older', 'ours'));
    ours.set(18, await ground.createDatabase('newer', 'ours'));
    for (const database of ours.values()) {
      await database.within(async (client) => {
        await installProvider(client);
      });
      await database.run(nodeSchema());
    }
    for (const database of [real, ...ours.values()]) await database.run(helpers);
    for (const database of [real, ours.get(18)]) {
      await database?.run(`CREATE ROLE regress_nobody; CREATE ROLE regress_reader IN ROLE pgq_reader;
        CREATE ROLE regress_writer IN ROLE pgq_writer; CREATE ROLE regress_admin IN ROLE pgq_admin`);
    }
  });

  afterAll(async () => {
    await Promise.all([real, ...ours.values()].map((database) => database?.close()));
    await ground?.stop();
  });

  test.each([...regression, ...triggerScenarios, ...nodeScenarios])('$title', async (scenario) => {
    const theirs = await transcript(real, scenario);
    for (const database of ours.values()) compare(scenario, theirs, await transcript(database, scenario));
  });
});
