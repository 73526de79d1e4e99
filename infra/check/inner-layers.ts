// The order of the folders inside a package, and how many files lie in one folder.
import { dirname } from 'node:path';
import type { Architecture } from './architecture.ts';
import { importsOf, isTest, resolveRelative, type SourceFile } from './source-files.ts';

/** Public entries of a package are above everything in it. */
const entries = /^(mod|main)\.ts$/;

/** What breaks the inner layers of a package. `files`: all source files of the project. */
export function innerProblems(plan: Architecture, name: string, files: readonly SourceFile[]): string[] {
  const src = `${name}/src/`;
  const own = files.filter(({ path }) => path.startsWith(src) && !isTest(path));
  const { inner } = plan.packages[name] ?? {};
  const { innerLayersFrom, looseFiles } = plan.budgets;
  const problems = crowdedFolders(plan, own);
  if (inner === undefined) {
    if (own.length > innerLayersFrom) {
      problems.push(`architecture.config.json: ${name} has ${own.length} files and declares no inner layers`);
    }
    return problems;
  }
  const loose = own.filter(({ path }) => !path.slice(src.length).includes('/') && !entries.test(unitOf(src, path)));
  if (loose.length > looseFiles) {
    problems.push(`${src}: ${loose.length} loose files beside the entry, at most ${looseFiles}`);
  }
  const layerOf = new Map(inner.flatMap((units, layer) => units.map((unit) => [unit, layer] as const)));
  for (const file of own) problems.push(...upwardImports(file, src, layerOf));
  return problems;
}

/** The folder of a file below src, or the file's own name where it lies loose. */
function unitOf(src: string, path: string): string {
  return path.slice(src.length).split('/')[0] ?? '';
}

function upwardImports(file: SourceFile, src: string, layerOf: ReadonlyMap<string, number>): string[] {
  const unit = unitOf(src, file.path);
  if (entries.test(unit)) return [];
  const own = layerOf.get(unit);
  if (own === undefined) return [`${file.path}: ${unit} is in no inner layer of architecture.config.json`];
  return importsOf(file).flatMap(({ name, line }) => {
    if (!name.startsWith('.')) return [];
    const target = unitOf(src, resolveRelative(file, name));
    if (target === unit || (layerOf.get(target) ?? own) < own) return [];
    return [`${file.path}:${line}: import of ${name}: ${target} is not in a lower inner layer than ${unit}`];
  });
}

function crowdedFolders(plan: Architecture, own: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of own) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  const { folderFiles, listsOfEquals } = plan.budgets;
  return [...counts]
    .filter(([folder, count]) => count > folderFiles && !listsOfEquals.includes(folder))
    .map(
      ([folder, count]) => `${folder}: ${count} files, at most ${folderFiles} in a folder that is no list of equals`,
    );
}
