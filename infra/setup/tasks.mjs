import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNatsServer } from './nats-server.mjs';
import { root, tools } from './paths.mjs';
import { ensurePostgres15, ensurePostgres18 } from './postgres.mjs';
import { runInForeground } from './process.mjs';
import { say } from './say.mjs';

const servers = [ensurePostgres18, ensureNatsServer];
const allServers = [...servers, ensurePostgres15];
const checks = ['types', 'style', 'layers', 'cycles', 'budgets', 'sql', 'words', 'dead'];

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
  'check:watch': { needs: [], run: watchChecks },
  format: { needs: [], run: format },
  test: { needs: allServers, run: test },
  'test:unit': { needs: [], run: (context) => runTests(context, ['--project', 'unit', ...context.args]) },
  'test:watch': { needs: allServers, run: watchTests },
  bench: { needs: allServers, run: (context) => program('test/bench/main.ts', context) },
};

/** Brings formatting and import order of all files, or of the given ones, to what the style check expects. */
function format({ env, args }) {
  return runInForeground('biome', ['check', '--write', ...(args.length > 0 ? args : ['.'])], { cwd: root, env });
}

async function sayReady() {
  say('all is there');
  return 0;
}

function program(path, { node, env, args }, cwd = root) {
  return runInForeground(node, ['--disable-warning=ExperimentalWarning', join(root, path), ...args], { cwd, env });
}

/** Everything that can be said about the source without running it, side by side through turbo. */
function check(context) {
  return turbo('run', ['--continue=always', '--output-logs=errors-only'], context);
}

/** The same again and again, whenever a file changes. */
function watchChecks(context) {
  return turbo('watch', ['--output-logs=new-only'], context);
}

/** What turbo keeps of earlier runs lies in .tools too; it tells by the contents of the files whether a check has to run. */
function turbo(mode, options, { env, args }) {
  const names = checks.map((name) => `//#check:${name}`);
  return runInForeground('turbo', [mode, ...names, '--ui=stream', '--env-mode=loose', ...options, ...args], {
    cwd: root,
    env,
  });
}

/** The checks (unless single files are asked for), then the suite. */
async function test(context) {
  const checked = context.args.length > 0 ? 0 : await check(context);
  const tested = await runTests(context, context.args);
  if (checked !== 0) process.stdout.write('check: failed, see above\n');
  return checked !== 0 || tested !== 0 ? 1 : 0;
}

/** The wanted test files, then one plain line of counts. */
async function runTests(context, args) {
  const resultFile = join(tools, 'test-result.json');
  rmSync(resultFile, { force: true });
  const code = await vitest(['run', ...args], context);
  const { passed, failed } = counts(resultFile);
  process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
  return code !== 0 || failed > 0 ? 1 : 0;
}

/** The named files, else all pure ones, again and again as they change. */
function watchTests(context) {
  return vitest(['watch', ...(context.args.length === 0 ? ['--project', 'unit'] : context.args)], context);
}

function vitest(args, { node, env }) {
  return runInForeground(node, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], { cwd: root, env });
}

/** A file that could not be loaded has no tests in it; it counts as one failure. */
function counts(resultFile) {
  if (!existsSync(resultFile)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(resultFile, 'utf8'));
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: result.numPassedTests, failed: result.numFailedTests + unloaded.length };
}
