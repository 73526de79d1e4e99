// node infra/setup/fetch.mjs haproxy|plproxy: programs that only some tests and examples need, from the packages of the
// system's Debian, unpacked into .tools. Says on stdout, as JSON, {"dir"} or, where they cannot be had, {"why"}.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebianPackage } from './debian.mjs';
import { withLock } from './lock.mjs';
import { tools } from './paths.mjs';
import { say } from './say.mjs';

/** Packages, the first of which is what is wanted: the others are libraries that a system may have already, or not know. */
const programs = {
  haproxy: {
    packages: ['haproxy', 'liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1'],
    proof: 'usr/sbin/haproxy',
  },
  plproxy: { packages: ['postgresql-15-plproxy'], proof: 'usr/lib/postgresql/15/lib/plproxy.so' },
};

async function fetch(name) {
  const { packages, proof } = programs[name];
  const home = join(tools, name);
  if (existsSync(join(home, proof))) return { dir: home };
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  say(`fetching ${name}`);
  const [wanted, ...libraries] = packages;
  const why = await unpackDebianPackage(wanted, fresh);
  if (why !== undefined) return { why: `the Debian package ${wanted} cannot be fetched: ${why}` };
  for (const library of libraries) await unpackDebianPackage(library, fresh);
  if (!existsSync(join(fresh, proof))) return { why: `the package ${wanted} has no ${proof}: ${readdirSync(fresh)}` };
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return { dir: home };
}

const [name] = process.argv.slice(2);
const answer = Object.hasOwn(programs, name ?? '')
  ? await withLock(() => fetch(name))
  : { why: `nothing is known of ${name}: there is ${Object.keys(programs).join(', ')}` };
process.stdout.write(`${JSON.stringify(answer)}\n`);
