import { describe, expect, test } from 'vitest';
import { runChaos } from './chaos.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

describe(`a hundred faults under load, seed ${seed}`, () => {
  test('lose nothing, apply nothing twice, show no half batch, and heal by themselves', { timeout: 600_000 }, async () => {
    const report = await runChaos({ seed, faults: 110, everyMs: 2000, timeoutMs: 420_000 });
    console.info(JSON.stringify({ ...report, findings: report.findings.length }));
    expect(report.findings, `seed ${seed}`).toEqual([]);
    expect(report.total).toBeGreaterThanOrEqual(100);
    expect(report.looked['ok']).toBeGreaterThan(1000);
  });
});
