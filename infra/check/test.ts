// The test task: the checks (unless single files are asked for), then the whole suite, then one plain line of counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

const args = process.argv.slice(2);
const resultFile = join(root, '.tools', 'test-result.json');
mkdirSync(join(root, '.tools'), { recursive: true });
rmSync(resultFile, { force: true });

const checksFailed = args.length === 0 && run(process.execPath, [join(root, 'infra', 'check', 'main.ts')]) !== 0;
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];
const testsFailed = run('vitest', ['run', ...reporters, ...args]) !== 0;

const { passed, failed } = counts();
if (checksFailed) process.stdout.write('check: failed, see above\n');
process.stdout.write(`tests: ${passed} passed, ${failed} failed\n`);
process.exit(checksFailed || testsFailed || failed > 0 ? 1 : 0);

function run(file: string, commandArgs: string[]): number {
  return spawnSync(file, commandArgs, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** A file that could not be loaded has no tests in it; it counts as one failure. */
function counts(): { passed: number; failed: number } {
  if (!existsSync(resultFile)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(resultFile, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    testResults: { status: string; assertionResults: unknown[] }[];
  };
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: result.numPassedTests, failed: result.numFailedTests + unloaded.length };
}
