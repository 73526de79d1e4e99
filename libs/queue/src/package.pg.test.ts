import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeScratchDir } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { queueDatabase } from '../test/database.ts';

const packageDir = join(import.meta.dirname, '..');

/** A folder as a stranger's program has it after `npm install`: the packed package and its peers. */
function installed(): string {
  const dir = makeScratchDir('package');
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: dir, encoding: 'utf8' });
  run(process.execPath, join(packageDir, 'build/build.mjs'), join(dir, 'dist'));
  const [packed] = JSON.parse(run('npm', 'pack', './dist', '--json', '--loglevel=error')) as [{ filename: string }];
  const own = join(dir, 'node_modules/@millrace/queue');
  mkdirSync(own, { recursive: true });
  run('tar', 'xzf', packed.filename, '-C', own, '--strip-components=1');
  for (const peer of ['pg', 'zod', '@opentelemetry/api', '@types/pg', '@types/node']) {
    const link = join(dir, 'node_modules', peer);
    mkdirSync(dirname(link), { recursive: true });
    const from = peer === '@types/node' ? join(packageDir, '../..') : packageDir;
    symlinkSync(join(from, 'node_modules', peer), link);
  }
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  return dir;
}

test('the packed package is imported by a plain program, and the example of its README compiles and runs', async () => {
  const database = await queueDatabase();
  const dir = installed();
  const readme = readFileSync(join(dir, 'node_modules/@millrace/queue/README.md'), 'utf8');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  writeFileSync(join(dir, 'example.ts'), example);
  const options = { strict: true, noEmit: true, module: 'nodenext', target: 'esnext', types: ['node'] };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['example.ts'] }));
  const tsc = join(packageDir, '../../node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', dir], { stdio: 'inherit' });
  const env = { ...process.env, DATABASE_URL: database.url };
  const run = (file: string) => execFileSync(process.execPath, [join(dir, file)], { env, encoding: 'utf8' });
  expect(run('example.ts')).toBe('to ada@example.org: Welcome\n');

  writeFileSync(
    join(dir, 'plain.js'),
    `import { defineQueue, QueueError } from '@millrace/queue';
     const queue = defineQueue({ name: 'plain' });
     console.log(typeof queue.send, QueueError.name);`,
  );
  expect(run('plain.js')).toBe('function QueueError\n');
});
