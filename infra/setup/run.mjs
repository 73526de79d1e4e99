// The one entry for people: node infra/setup/run.mjs demo|test|check|bench|millrace|pgqadm|londiste|setup [arguments]
// It must start on Node 20 and without any package, so it is plain JavaScript and uses only what Node has.
import { delimiter, dirname, join } from 'node:path';
import { withLock } from './lock.mjs';
import { ensureNode } from './node.mjs';
import { ensurePackages, pnpmDir } from './packages.mjs';
import { root, tools } from './paths.mjs';
import { SetupError, say } from './say.mjs';
import { tasks } from './tasks.mjs';

/** The environment of everything we run: our programs first on PATH, and caches inside the folder. */
function environment(node) {
  const ours = [dirname(node), join(root, 'node_modules', '.bin'), pnpmDir];
  return {
    ...process.env,
    PATH: [...ours, process.env.PATH ?? ''].join(delimiter),
    XDG_CACHE_HOME: join(tools, 'cache'),
    XDG_DATA_HOME: join(tools, 'data'),
    XDG_STATE_HOME: join(tools, 'state'),
    TURBO_CONFIG_DIR_PATH: join(tools, 'turbo'),
    TURBO_TELEMETRY_DISABLED: '1',
    NODE_COMPILE_CACHE: join(tools, 'compile-cache'),
  };
}

async function prepare(needs) {
  return withLock(async () => {
    const node = await ensureNode();
    await ensurePackages(environment(node));
    for (const need of needs) await need();
    return node;
  });
}

async function main([name, ...args]) {
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
  if (task === undefined) {
    throw new SetupError(`usage: node infra/setup/run.mjs ${Object.keys(tasks).join('|')} [arguments]`);
  }
  const node = await prepare(task.needs);
  return task.run({ node, args, env: environment(node) });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
