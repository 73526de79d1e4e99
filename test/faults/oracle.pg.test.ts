import { createDatabase } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { Database } from '../harness/database.ts';
import { type Finding, judge } from '../harness/oracle.ts';
import { Random } from '../harness/random.ts';
import { type Mutation, SnapshotCopier } from '../harness/snapshot-copier.ts';
import { pause } from '../harness/wait-for.ts';
import { Watcher } from '../harness/watcher.ts';
import { createWorkload, Workload, workloadSequences, workloadTables } from '../harness/workload/workload.ts';

/** Runs the workload for a few seconds against a copier with a planted mistake, and gives what the oracle found. */
async function findingsFor(mutation: Mutation): Promise<{ findings: Finding[]; looks: number; ok: number }> {
  const provider = new Database((await createDatabase()).url);
  const subscriber = new Database((await createDatabase()).url);
  await createWorkload(provider, [subscriber]);
  const copier = new SnapshotCopier(provider, subscriber, mutation);
  // A mistake may also make a value unreadable; such a replicator stands still, which the oracle has to see as well.
  const copy = (): Promise<void> =>
    copier.copy(workloadTables, workloadSequences).catch((error: unknown) => {
      if (mutation === 'none') throw error;
    });
  await copy();
  const workload = new Workload(provider);
  workload.start({ random: new Random(7), clients: 4, holdMs: 300, thinkMs: 5 });
  const watcher = new Watcher('copy', subscriber, 40_000);
  const stop = new AbortController();
  const watching = watcher.run(stop.signal);
  const end = performance.now() + 3000;
  while (performance.now() < end) {
    await copy();
    await pause(20);
  }
  await workload.stop();
  await copy();
  stop.abort();
  await watching;
  const verdict = await judge({
    provider,
    subscribers: new Map([['copy', subscriber]]),
    ledger: workload.ledger,
    tables: workloadTables,
    sequences: workloadSequences,
  });
  await Promise.all([provider.close(), subscriber.close()]);
  return { findings: [...verdict.findings, ...watcher.findings], looks: watcher.looks, ok: verdict.looked['ok'] ?? 0 };
}

describe('the oracle, before it may judge the product', () => {
  test('finds nothing wrong with a replicator that is right', async () => {
    const { findings, looks, ok } = await findingsFor('none');
    expect(findings).toEqual([]);
    expect(looks).toBeGreaterThan(10);
    expect(ok).toBeGreaterThan(50);
  });

  const planted: [Mutation, string][] = [
    ['torn', 'batches are whole'],
    ['skips', 'ok ⊆ subscriber'],
    ['again', 'versions only grow'],
    ['unpinned', 'subscriber equals provider'],
    ['many snapshots', 'accounts fit their transfers'],
  ];
  for (const [mutation, rule] of planted) {
    test(`sees a replicator that is wrong: ${mutation}`, async () => {
      const { findings } = await findingsFor(mutation);
      expect(findings.map((finding) => finding.rule)).toContain(rule);
    });
  }
});
