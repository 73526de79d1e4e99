// The check task: everything that can be said about the source without running it, side by side through turbo.
import { spawnSync } from 'node:child_process';
import { root } from './source-files.ts';

const checks = ['types', 'style', 'floors', 'cycles', 'budgets', 'sql', 'dead'].map((name) => `//#check:${name}`);
const args = [
  'run',
  ...checks,
  '--continue=always',
  '--ui=stream',
  '--output-logs=errors-only',
  '--log-order=grouped',
  '--no-daemon',
  '--env-mode=loose',
];
const { status } = spawnSync('turbo', [...args, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
