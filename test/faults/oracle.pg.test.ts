import { createDatabase } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { Database } from '../harness/database.ts';
import { type Finding, judge } from '../harness/oracle.ts';
import { pause } from '../harness/pause.ts';
import { Random } from '../harness/random.ts';
import { type Mutation, SnapshotCopier } from '../harness/snapshot-copier.ts';
import { Watcher } from '../harness/watcher.ts';
import { createWorkload, Workload, workloadSequences, workloadTables } from '../harness/workload/workload.ts';

/** Longest run of a mistake that only a reader at the right moment can see, ms. */
const timeoutMs = 40_000;

/**
 * Runs the workload for a few seconds against a copier with a planted mistake, and gives what the oracle found.
 * `seen`: a rule that readers judge while it runs; it runs until that is broken.
 */
async function findingsFor(
  mutation: Mutation,
  seen?: string,
): Promise<{ findings: Finding[]; looks: number; ok: number }> {
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
  const begin = performance.now();
  const isEnough = (): boolean =>
    workload.ledger.counts.ok > 200 &&
    performance.now() - begin > 2000 &&
    (seen === undefined || watcher.findings.some((finding) => finding.rule === seen));
  while (!isEnough() && performance.now() - begin < timeoutMs) {
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

  const planted: [Mutation, string, 'while it runs' | 'at the end'][] = [
    ['torn', 'batches are whole', 'while it runs'],
    ['skips', 'ok ⊆ subscriber', 'at the end'],
    ['again', 'versions only grow', 'at the end'],
    ['unpinned', 'subscriber equals provider', 'at the end'],
    ['many snapshots', 'accounts fit their transfers', 'while it runs'],
  ];
  for (const [mutation, rule, when] of planted) {
    test(`sees a replicator that is wrong: ${mutation}`, async () => {
      const { findings } = await findingsFor(mutation, when === 'while it runs' ? rule : undefined);
      expect(findings.map((finding) => finding.rule)).toContain(rule);
    });
  }
});
