import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startNats, startPostgres } from '@millrace/embedded';
import type { TestProject } from 'vitest/node';
import { clearAbandonedScratch, scratchDir } from './scratch.ts';
import './shared-servers.ts';

/** The versions that every run has: the embedded default and the oldest one we meet on Debian. */
const majors = [18, 15];

/** Starts one server of each version and one nats-server for the whole run; gives the function that stops them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  clearAbandonedScratch();
  const dir = scratchDir('shared');
  const starts = majors.map((major) => startPostgres({ dir: join(dir, `pg${major}`), major }));
  const [nats, ...servers] = await Promise.all([startNats({ dir: join(dir, 'nats') }), ...starts]);
  const postgres = Object.fromEntries(servers.map((server) => [server.major, server.url]));
  project.provide('millraceServers', { postgres, nats: nats.url });
  return async () => {
    await Promise.all([nats.stop(), ...servers.map((server) => server.stop('immediate'))]);
    rmSync(dir, { recursive: true, force: true });
  };
}
