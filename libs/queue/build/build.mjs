// Makes what is published, in dist: JavaScript, declarations, and a manifest that points to them.
//   pnpm --filter @millrace/queue build && npm publish libs/queue/dist
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const packageDir = join(import.meta.dirname, '..');
const out = process.argv[2] ?? join(packageDir, 'dist');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const tsc = [join(typescript, 'bin', 'tsc'), '-p', join(packageDir, 'build', 'tsconfig.json'), '--outDir', out];
execFileSync(process.execPath, tsc, { stdio: 'inherit' });

// The compiler rewrites imports of .ts files in JavaScript, not in declarations.
for (const name of readdirSync(out, { recursive: true }).filter((one) => one.endsWith('.d.ts'))) {
  const file = join(out, name);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/((?:from |import\()'\.\.?\/[^']+)\.ts'/g, "$1.js'"));
}

const {
  private: _private,
  devDependencies: _dev,
  scripts: _scripts,
  ...manifest
} = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
const published = {
  ...manifest,
  exports: { '.': { types: './mod.d.ts', default: './mod.js' } },
  types: './mod.d.ts',
  files: ['**/*.js', '**/*.d.ts'],
  sideEffects: false,
};
writeFileSync(join(out, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
for (const file of ['README.md', 'LICENSE']) copyFileSync(join(packageDir, file), join(out, file));
