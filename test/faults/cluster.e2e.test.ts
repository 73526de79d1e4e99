import { expect, test } from 'vitest';
import { report } from '../harness/report.ts';
import { clusterFaults, runCluster } from './cluster.ts';

test('a NATS cluster that loses the leader of the stream, killed, frozen or with its disk, goes on in seconds, and nothing is lost', async () => {
  const outcome = await runCluster({ seed: 1, faults: clusterFaults, untilMs: 180_000, say: () => {} });
  report('recovery from the loss of a server, ms', outcome.recoveryMs);
  expect(outcome).toMatchObject({ rounds: 3, leaders: 3, findings: [] });
  expect(outcome.recoveryMs.longest).toBeLessThan(60_000);
}, 240_000);
