import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ensureNpmTool } from './npm-tool.mjs';
import { root, tools } from './paths.mjs';
import { run } from './process.mjs';
import { SetupError, say } from './say.mjs';

/** Installs the packages of the workspace as pnpm-lock.yaml has them; nothing is done when they are there already. */
export async function ensurePackages(env) {
  const pnpm = await ensurePnpm();
  const stampFile = join(tools, 'packages.stamp');
  const stamp = fingerprint();
  const whole = existsSync(join(root, 'node_modules', '.modules.yaml'));
  if (whole && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    renewStamp(stampFile);
    return;
  }
  say('installing packages');
  const args = [
    'install',
    '--frozen-lockfile',
    '--store-dir',
    join(tools, 'pnpm-store'),
    '--config.confirmModulesPurge=false',
  ];
  const { code, output } = await run(pnpm, args, { cwd: root, env: { ...env, CI: 'true' } });
  if (code !== 0) throw new SetupError(`pnpm install failed:\n${output.trim()}`);
  writeFileSync(stampFile, stamp);
}

/** Newer than the lockfile again, so that bin/millrace does not ask once more. */
function renewStamp(stampFile) {
  try {
    const now = new Date();
    utimesSync(stampFile, now, now);
  } catch {
    // Another account's folder: asked again next time, which costs a moment.
  }
}

/** The folder that holds `pnpm`, for PATH: turbo looks for it there. */
export const pnpmDir = join(tools, 'pnpm', 'node_modules', '.bin');

async function ensurePnpm() {
  await ensureNpmTool('pnpm', 'pnpm', (packageDir) => {
    const program = join(packageDir, 'pnpm');
    chmodSync(program, 0o755);
    const bin = join(dirname(dirname(packageDir)), '.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(relative(bin, program), join(bin, 'pnpm'));
  });
  return join(pnpmDir, 'pnpm');
}

/** Changes when a manifest or the lock file does. */
function fingerprint() {
  const manifests = ['libs', 'services'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name, 'package.json')),
  );
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'test/package.json', ...manifests.sort()];
  for (const file of files) {
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}
