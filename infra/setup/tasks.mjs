import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNatsServer } from './nats-server.mjs';
import { root, tools } from './paths.mjs';
import { ensurePostgres15, ensurePostgres18 } from './postgres.mjs';
import { runInForeground } from './process.mjs';
import { say } from './say.mjs';

const servers = [ensurePostgres18, ensureNatsServer];
const allServers = [...servers, ensurePostgres15];
const checks = ['types', 'style', 'floors', 'cycles', 'budgets', 'sql', 'dead'];

/**
 * What people can ask for: what each task needs besides Node and the packages, and what it does with
 * {node, env, args}, giving the exit code.
 */
export const tasks = {
  setup: { needs: allServers, run: sayReady },
  demo: { needs: servers, run: (context) => program('services/demo/src/main.ts', context) },
  millrace: { needs: servers, run: (context) => program('services/cli/src/main.ts', context, process.cwd()) },
  pgqadm: { needs: servers, run: (context) => program('services/classic/src/pgqadm.ts', context, process.cwd()) },
  londiste: {
    needs: servers,
    run: (context) => program('services/classic/src/londiste.ts', context, process.cwd()),
  },
  check: { needs: [], run: check },
  test: { needs: allServers, run: test },
  bench: { needs: allServers, run: (context) => program('test/bench/main.ts', context) },
};

async function sayReady() {
  say('all is there');
  return 0;
}

function program(path, { node, env, args }, cwd = root) {
  return runInForeground(node, ['--disable-warning=ExperimentalWarning', join(root, path), ...args], { cwd, env });
}

/** Everything that can be said about the source without running it, side by side through turbo. */
function check({ env, args }) {
  const options = ['--continue=always', '--ui=stream', '--output-logs=errors-only', '--env-mode=loose'];
  const names = checks.map((name) => `//#check:${name}`);
  return runInForeground('turbo', ['run', ...names, ...options, ...args], { cwd: root, env });
}

/** The checks (unless single files are asked for), then the suite, then one plain line of counts. */
async function test(context) {
  const resultFile = join(tools, 'test-result.json');
  rmSync(resultFile, { force: true });
  const checked = context.args.length > 0 ? 0 : await check(context);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const tested = await runInForeground(context.node, [vitest, 'run', ...reporters, ...context.args], {
    cwd: root,
    env: context.env,
  });
  const { passed, failed } = counts(resultFile);
  if (checked !== 0) process.stdout.write('check: failed, see above\n');
  process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
  return checked !== 0 || tested !== 0 || failed > 0 ? 1 : 0;
}

/** A file that could not be loaded has no tests in it; it counts as one failure. */
function counts(resultFile) {
  if (!existsSync(resultFile)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(resultFile, 'utf8'));
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: result.numPassedTests, failed: result.numFailedTests + unloaded.length };
}
