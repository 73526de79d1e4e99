import { describe, expect, test } from 'vitest';
import { report } from '../harness/report.ts';
import { runChaos } from './chaos.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

describe(`a hundred faults under load, seed ${seed}`, () => {
  test('lose nothing, apply nothing twice, show no half batch, and heal by themselves', {
    timeout: 600_000,
  }, async () => {
    const outcome = await runChaos({ seed, faults: 110, everyMs: 2000, timeoutMs: 420_000 });
    report('chaos', { ...outcome, findings: outcome.findings.length });
    expect(outcome.findings, `seed ${seed}`).toEqual([]);
    expect(outcome.total).toBeGreaterThanOrEqual(100);
    expect(outcome.looked['ok']).toBeGreaterThan(1000);
  });
});
