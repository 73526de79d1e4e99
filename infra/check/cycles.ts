// Finds import cycles between files, type imports included.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, report, resolveRelative, root, sourceFiles } from './source-files.ts';

const arrows = new Map<string, string[]>();
for (const file of sourceFiles(['libs', 'services', 'test', 'infra'], ['.ts', '.mjs'])) {
  arrows.set(
    file.path,
    importsOf(file).flatMap(({ name }) => {
      if (name.startsWith('.')) return [resolveRelative(file, name)];
      const entry = entryFile(name);
      return entry === undefined ? [] : [entry];
    }),
  );
}

const done = new Set<string>();
const problems: string[] = [];
for (const start of arrows.keys()) search(start, []);
report('import cycles', problems);

/** The file behind the name of a package of ours, as its manifest says. */
function entryFile(name: string): string | undefined {
  const [, own, rest] = /^@millrace\/([^/]+)(?:\/(.+))?$/.exec(name) ?? [];
  const manifest = `libs/${own}/package.json`;
  if (own === undefined || !existsSync(join(root, manifest))) return undefined;
  const { exports } = JSON.parse(readFileSync(join(root, manifest), 'utf8')) as { exports?: Record<string, string> };
  const target = exports?.[rest === undefined ? '.' : `./${rest}`];
  return typeof target === 'string' ? join('libs', own, target) : undefined;
}

function search(path: string, trail: readonly string[]): void {
  const at = trail.indexOf(path);
  if (at !== -1) {
    problems.push(`cycle: ${[...trail.slice(at), path].join(' -> ')}`);
    return;
  }
  if (done.has(path)) return;
  for (const next of arrows.get(path) ?? []) search(next, [...trail, path]);
  done.add(path);
}
