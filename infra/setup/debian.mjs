import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tools } from './paths.mjs';
import { run } from './process.mjs';

/**
 * Unpacks a package of the system's Debian or Ubuntu into a folder, without installing it and without being root.
 * apt compares its checksum with the signed list. Gives undefined, or why it could not be done.
 */
export async function unpackDebianPackage(name, into) {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return 'not a Debian system';
  const work = join(tools, 'apt');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const failure = (await download(name, work, [])) && (await downloadWithOwnLists(name, work));
    if (failure !== undefined) return failure;
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    mkdirSync(into, { recursive: true });
    const { code, output } = await run('/usr/bin/dpkg-deb', ['-x', join(work, file), into]);
    return code === 0 ? undefined : output.trim();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A bare system has no package lists, and only root could fetch them into their place: so they come into ours. */
async function downloadWithOwnLists(name, work) {
  const state = join(work, 'state');
  const cache = join(work, 'cache');
  for (const dir of [join(state, 'lists', 'partial'), join(cache, 'archives', 'partial')])
    mkdirSync(dir, { recursive: true });
  const options = {
    'Dir::State': state,
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': cache,
    'Acquire::Languages': 'none',
  };
  const args = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  // One unreachable source of many makes update fail; what counts is whether the package can be had afterwards.
  await apt(work, [...args, 'update']);
  return download(name, work, args);
}

async function download(name, work, args) {
  const { code, output } = await apt(work, [...args, 'download', name]);
  if (code === 0 && readdirSync(work).some((entry) => entry.endsWith('.deb'))) return undefined;
  return output.trim().split('\n').at(-1) || `apt-get ended with ${code}`;
}

/** As root apt would fetch as user `_apt`, who may not be allowed to enter our folder. */
function apt(work, args) {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  return run('/usr/bin/apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', ...args], { cwd: work, env });
}
