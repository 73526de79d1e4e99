import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type PostgresBinaries, type PostgresOptions, postgresBinaries, startPostgres } from '@millrace/embedded';
import { removeAbandoned, toolsDir } from './scratch.ts';
import { renewSystemIdentifier } from './system-identifier.ts';

const clusters = join(toolsDir, 'cache', 'clusters');
const embeddedSource = fileURLToPath(new URL('../../embedded/src/', import.meta.url));
const run = promisify(execFile);
const keptMs = 7 * 24 * 3600 * 1000;

/**
 * Puts an empty cluster into `options.dir` by copying one that was initialised before: a sixth of the CPU time of initdb.
 * It does nothing where that cannot be done (the copy belongs to another account, or is being removed): the start then
 * initialises a cluster. A server with a superuser of its own always gets one from initdb.
 */
export async function copyPreparedCluster(options: PostgresOptions): Promise<void> {
  const dataDir = join(options.dir, 'data');
  if (options.user !== undefined || options.fresh === true || existsSync(dataDir)) return;
  const unfinished = `${dataDir}.copy`;
  try {
    const prepared = await preparedCluster(postgresBinaries(options.major, options.binDir));
    mkdirSync(options.dir, { recursive: true });
    rmSync(unfinished, { recursive: true, force: true });
    await run('cp', ['-a', prepared, unfinished]);
    renewSystemIdentifier(unfinished);
    renameSync(unfinished, dataDir);
  } catch {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** The data directory of a cluster that was started and stopped once; made when there is none for these programs. */
async function preparedCluster(binaries: PostgresBinaries): Promise<string> {
  const name = `${binaries.major}-${keyOf(binaries)}`;
  const place = join(clusters, name);
  const dataDir = join(place, 'data');
  if (existsSync(dataDir)) return dataDir;
  mkdirSync(clusters, { recursive: true });
  removeAbandoned(clusters);
  removeOld();
  // It appears whole under its name; of several that make it at the same time the first one stays.
  const unfinished = join(clusters, `${name}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const server = await startPostgres({ dir: unfinished, major: binaries.major, binDir: binaries.binDir });
  await server.stop();
  try {
    renameSync(unfinished, place);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(dataDir)) throw error;
  }
  return dataDir;
}

/** Clusters of programs or sources that have changed since. Whoever copies one at that moment falls back to initdb. */
function removeOld(): void {
  for (const name of readdirSync(clusters)) {
    const place = join(clusters, name);
    const madeAt = statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - madeAt > keptMs) rmSync(place, { recursive: true, force: true });
  }
}

/** Another program file, other arguments of initdb, or another account make another cluster. */
function keyOf({ initdb, postgres }: PostgresBinaries): string {
  const hash = createHash('sha256').update(`${process.getuid?.()}`);
  for (const path of [initdb, postgres]) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}`);
  }
  for (const name of readdirSync(embeddedSource).sort()) hash.update(readFileSync(join(embeddedSource, name)));
  return hash.digest('hex').slice(0, 16);
}
