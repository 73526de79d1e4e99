// The one entry for people: node infra/setup/run.mjs demo|test|check|bench|millrace|setup [arguments]
// It must start on Node 20 and without any package, so it is plain JavaScript and uses only what Node has.
import { delimiter, dirname, join } from 'node:path';
import { withLock } from './lock.mjs';
import { ensureNatsServer } from './nats-server.mjs';
import { ensureNode } from './node.mjs';
import { ensurePackages, pnpmDir } from './packages.mjs';
import { root, tools } from './paths.mjs';
import { ensurePostgres15, ensurePostgres18 } from './postgres.mjs';
import { runInForeground } from './process.mjs';
import { SetupError, say } from './say.mjs';

const servers = [ensurePostgres18, ensureNatsServer];

/** What each task needs besides Node and the packages, and the program it runs; `here` keeps the caller's folder. */
const tasks = {
  setup: { needs: [...servers, ensurePostgres15] },
  demo: { needs: servers, program: 'services/admin/src/demo.ts' },
  millrace: { needs: servers, program: 'services/admin/src/cli.ts', here: true },
  check: { needs: [], program: 'infra/check/main.ts' },
  test: { needs: [...servers, ensurePostgres15], program: 'infra/check/test.ts' },
  bench: { needs: [...servers, ensurePostgres15], program: 'test/bench/main.ts' },
};

/** The environment of everything we run: our Node first on PATH, and caches inside the folder. */
function environment(node) {
  const path = [dirname(node), join(root, 'node_modules', '.bin'), pnpmDir, process.env.PATH ?? ''].join(delimiter);
  return {
    ...process.env,
    PATH: path,
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
  if (task === undefined)
    throw new SetupError(`usage: node infra/setup/run.mjs ${Object.keys(tasks).join('|')} [arguments]`);
  const node = await prepare(task.needs);
  if (task.program === undefined) {
    say('all is there');
    return 0;
  }
  const nodeArgs = ['--disable-warning=ExperimentalWarning', join(root, task.program), ...args];
  return runInForeground(node, nodeArgs, { cwd: task.here ? process.cwd() : root, env: environment(node) });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
