import { expect } from 'vitest';
import type { Site } from './site.ts';

/** Tables made for one test, so that tests share servers and services but never rows. */
export interface ScenarioPlan {
  /** Run at the provider and at every subscriber. */
  readonly schema: string;
  /** Run at the provider alone, after `schema`: rows that are there before, triggers of the application. */
  readonly before?: string;
  /** Names as on the command line. */
  readonly tables: readonly string[];
}

/** Makes and adds the tables and waits until their copies are in. */
export async function stage(site: Site, plan: ScenarioPlan): Promise<void> {
  await site.everywhere(plan.schema);
  if (plan.before !== undefined) await site.provider.run(plan.before);
  await site.millrace('add', ...plan.tables);
  await site.millrace('wait', '--timeout', '60s');
}

/** Runs statements at the provider, each in a transaction of its own, and compares the tables at every subscriber. */
export async function play(site: Site, tables: readonly string[], statements: readonly string[]): Promise<void> {
  for (const statement of statements) await site.provider.run(statement);
  await expectEqual(site, tables);
}

/** All of the provider's commits so far are at the subscribers, and the tables are the same, bit for bit. */
export async function expectEqual(site: Site, tables: readonly string[], timeoutMs?: number): Promise<void> {
  await site.sync(undefined, timeoutMs);
  expect(await site.differences(tables.map(parseName))).toEqual([]);
}

/** A name as on the command line, taken apart. */
function parseName(text: string): { schema: string; name: string } {
  const parts = text.match(/"(?:[^"]|"")*"|[^.]+/g) ?? [];
  const plain = parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
  const [first = '', second] = plain;
  return second === undefined ? { schema: 'public', name: first } : { schema: first, name: second };
}
