import type { Config } from '@millrace/config';
import { examine } from './examine.ts';
import type { DoctorFinding } from './report.ts';

/**
 * What has gone wrong since replication was set up: a capture trigger switched off, a table altered, a key dropped. What
 * cannot be reached is no part of it. Throws only what `status` reports as well.
 */
export async function driftOf(config: Config): Promise<DoctorFinding[]> {
  const report = await examine(config, { drift: true });
  return report.findings.filter(({ level, check }) => level !== 'ok' && check !== 'reachable' && check !== 'installed');
}
