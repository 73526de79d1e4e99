// Finds import cycles between files, type imports included.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, report, resolveRelative, root, sourceFiles } from './source-files.ts';

const arrows = new Map<string, string[]>();
for (const file of sourceFiles(['libs', 'services', 'test', 'infra'], ['.ts', '.mjs'])) {
  arrows.set(
    file.path,
    importsOf(file).flatMap(({ name }) => {
      if (name.startsWith('.')) return [resolveRelative(file, name)];
      const door = `libs/${/^@millrace\/([^/]+)$/.exec(name)?.[1]}/src/mod.ts`;
      return existsSync(join(root, door)) ? [door] : [];
    }),
  );
}

const done = new Set<string>();
const problems: string[] = [];
for (const start of arrows.keys()) search(start, []);
report('import cycles', problems);

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
