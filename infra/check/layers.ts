// Compares every import between packages, and every manifest, with architecture.config.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, mayImport, packageOf, readArchitecture } from './architecture.ts';
import { innerProblems } from './inner-layers.ts';
import {
  importsOf,
  isTest,
  report,
  resolveRelative,
  root,
  type SourceFile,
  sourceFiles,
  visitSyntax,
} from './source-files.ts';

const plan = readArchitecture();
const files = sourceFiles(['libs', 'services', 'test'], ['.ts']);
const problems: string[] = [...upwardPermissions(plan)];
for (const name of Object.keys(plan.packages))
  problems.push(...checkManifest(name), ...innerProblems(plan, name, files));
for (const file of files) problems.push(...checkImports(file), ...checkExports(file));
report('layers', problems);

/** The plan itself may permit only imports of lower layers. */
function upwardPermissions({ packages }: Architecture): string[] {
  return Object.entries(packages).flatMap(([from, { layer, mayImport: permitted }]) => {
    if (layer === 'side') return [];
    return permitted
      .filter((to) => {
        const other = packages[to]?.layer;
        return typeof other !== 'number' || other > layer || (other === layer && layer !== 1);
      })
      .map((to) => `architecture.config.json: ${from} may not import ${to}: that is not a lower layer`);
  });
}

function checkManifest(own: string): string[] {
  const path = `${own}/package.json`;
  if (!existsSync(join(root, path))) return [`${path} is missing`];
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  const wrong = Object.keys(dependencies).filter((name) => {
    const to = packageNamed(name);
    if (to === undefined) return false;
    return !mayImport(plan, own, to) || (plan.onlyInTests.includes(to) && own.startsWith('services/'));
  });
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => /^[\^~]/.test(version));
  return [
    ...wrong.map((name) => `${path}: ${own} may not depend on ${name}`),
    ...loose.map(([name, version]) => `${path}: ${name} needs an exact version, not ${version}`),
  ];
}

function checkImports(file: SourceFile): string[] {
  const own = packageOf(plan, file.path);
  if (own === undefined) return [`${file.path}: not in any package of architecture.config.json`];
  return importsOf(file).flatMap(({ name, line }) => {
    const reason = objection(file, own, name);
    return reason === undefined ? [] : [`${file.path}:${line}: import of ${name}: ${reason}`];
  });
}

function objection(file: SourceFile, own: string, name: string): string | undefined {
  if (name.startsWith('.')) return relativeObjection(file, own, name);
  if (!name.startsWith('@millrace/')) return undefined;
  const to = packageNamed(name);
  if (to === undefined) return 'there is no such package';
  if (to === own) return 'a package imports its own files by relative paths';
  if (name.endsWith('/testing') || plan.onlyInTests.includes(to)) {
    return isTest(file.path) || plan.onlyInTests.includes(own) ? undefined : 'only tests may';
  }
  return mayImport(plan, own, to) || isTest(file.path) ? undefined : `architecture.config.json does not let ${own}`;
}

function relativeObjection(file: SourceFile, own: string, name: string): string | undefined {
  const target = resolveRelative(file, name);
  if (!target.startsWith(`${own}/`)) return 'it leaves the package';
  if (target.endsWith('/mod.ts') && !isTest(file.path)) return 'mod.ts is for other packages; import the file itself';
  return undefined;
}

/** Every export has a name, so that a thing is called the same everywhere. */
function checkExports(file: SourceFile): string[] {
  const found: string[] = [];
  visitSyntax(file, (node) => {
    if (node.type === 'ExportAllDeclaration') found.push(`${file.path}: exports a whole file; name what is exported`);
    const wanted = file.path.endsWith('global-setup.ts');
    if (node.type === 'ExportDefaultDeclaration' && !wanted) found.push(`${file.path}: has a default export`);
  });
  return found;
}

function packageNamed(specifier: string): string | undefined {
  const name = /^@millrace\/([^/]+)/.exec(specifier)?.[1];
  return Object.keys(plan.packages).find((one) => one === name || one.endsWith(`/${name}`));
}
