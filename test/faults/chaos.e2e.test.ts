import { describe, expect, test } from 'vitest';
import { report } from '../harness/report.ts';
import { scaled } from '../harness/scale.ts';
import { runChaos } from './chaos.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));
const faults = scaled(110, 44);

describe(`${faults} faults under load, seed ${seed}`, () => {
  test('lose nothing, apply nothing twice, show no half batch, and heal by themselves', {
    timeout: 600_000,
  }, async () => {
    const outcome = await runChaos({ seed, faults, everyMs: 2000, timeoutMs: 420_000 });
    report('chaos', { ...outcome, findings: outcome.findings.length });
    expect(outcome.findings, `seed ${seed}`).toEqual([]);
    expect(outcome.total).toBeGreaterThanOrEqual(Math.floor(0.9 * faults));
    expect(outcome.looked['ok']).toBeGreaterThan(9 * faults);
  });
});
