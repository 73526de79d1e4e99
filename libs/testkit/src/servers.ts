import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import {
  type EmbeddedNats,
  type EmbeddedPostgres,
  type NatsOptions,
  type PostgresOptions,
  startNats,
  startPostgres,
} from '@millrace/embedded';
import { whenTestFinishes } from './databases.ts';
import { copyPreparedCluster } from './prepared-cluster.ts';
import { scratchDir } from './scratch.ts';

/**
 * What a crash of the server keeps, a crash of the machine may lose: tests crash servers only. Commits are still
 * written before they are acknowledged, or what a client knows to be committed would mean nothing.
 */
const quickButCrashSafe = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'on' };

/** Starts a PostgreSQL for tests: from a prepared cluster, without waiting for the disk. The caller stops it. */
export async function startTestPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  await copyPreparedCluster(options);
  return startPostgres({ ...options, settings: { ...quickButCrashSafe, ...options.settings } });
}

/**
 * A PostgreSQL of one test alone, to be killed, stopped or filled at will. Inside a test it goes away when the test
 * ends; started in a hook it ends with the process unless the caller stops it.
 */
export async function startOwnPostgres(options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startTestPostgres({ ...options, dir: options.dir ?? makeScratchDir('pg') });
  whenTestFinishes(() => crash(server));
  return server;
}

/** A nats-server of one test alone; lives as long as in `startOwnPostgres`. */
export async function startOwnNats(options: Partial<NatsOptions> = {}): Promise<EmbeddedNats> {
  const server = await startNats({ ...options, dir: options.dir ?? makeScratchDir('nats') });
  whenTestFinishes(() => crash(server));
  return server;
}

async function crash(server: EmbeddedPostgres | EmbeddedNats): Promise<void> {
  await server.kill('SIGKILL');
  await server.stop();
}

/** An empty folder inside the project; inside a test it is removed when the test ends. */
export function makeScratchDir(label = 'scratch'): string {
  const dir = scratchDir(label);
  whenTestFinishes(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A name no other test has, fit for queues, tables and streams: lower-case letters, digits, underscore. */
export function uniqueName(prefix = 'q'): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}
