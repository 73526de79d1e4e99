import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startNats } from '@millrace/embedded';
import type { TestProject } from 'vitest/node';
import { prepareScratch, scratchDir } from './scratch.ts';
import { startTestPostgres } from './servers.ts';
import type { SharedServers } from './shared-servers.ts';
import { spreadFolders } from './spread-folders.ts';

/** The versions that every run has: the embedded default and the oldest one we meet on Debian. */
const majors = [18, 15];

interface RunningServers {
  readonly addresses: SharedServers;
  stop(): Promise<void>;
}

/** Every test project loads this file for itself, in one process: the servers are found there under this name. */
const key = Symbol.for('millrace.testkit.servers');
const shared = globalThis as { [key]?: Promise<RunningServers> };

/** Starts one server of each version and one nats-server for all projects of a run; gives the function that stops them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared[key] ??= start();
  const { addresses, stop } = await shared[key];
  project.provide('millraceServers', addresses);
  return stop;
}

async function start(): Promise<RunningServers> {
  prepareScratch();
  const dir = scratchDir('shared');
  const starts = majors.map((major) => startTestPostgres({ dir: join(dir, `pg${major}`), major }));
  const [nats, ...servers] = await Promise.all([startNats({ dir: join(dir, 'nats') }), ...starts]);
  // Each test makes databases here and drops them.
  for (const server of servers) spreadFolders(join(server.dataDir, 'base'));
  const postgres = Object.fromEntries(servers.map((server) => [server.major, server.url]));
  return {
    addresses: { postgres, nats: nats.url },
    stop: async () => {
      await Promise.all([nats.stop(), ...servers.map((server) => server.stop('immediate'))]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
