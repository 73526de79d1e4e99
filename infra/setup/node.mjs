import { existsSync, renameSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ensureNpmTool } from './npm-tool.mjs';
import { tools } from './paths.mjs';
import { run } from './process.mjs';

const wanted = 24;

/** Gives a Node that runs TypeScript: the one that runs us, else ours from the npm registry. */
export async function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= wanted) return process.execPath;
  const own = join(tools, 'node', 'node_modules', 'node', 'bin', 'node');
  if (existsSync(own)) {
    const { code, output } = await run(own, ['--version']);
    if (code === 0 && Number(output.trim().slice(1).split('.')[0]) >= wanted) return own;
  }
  await ensureNpmTool('node', `Node ${wanted} (this is ${process.versions.node})`, nameIt);
  return own;
}

/** Puts the package, whose name tells the platform, where every starter looks for it. */
function nameIt(packageDir) {
  const link = join(dirname(packageDir), 'node');
  symlinkSync(basename(packageDir), `${link}.new`);
  renameSync(`${link}.new`, link);
}
