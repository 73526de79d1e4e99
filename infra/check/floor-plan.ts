// Compares every import and every manifest with architecture.config.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, mayImport, readArchitecture, roomOf } from './architecture.ts';
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
const problems: string[] = [...arrowsThatDoNotPointDown(plan)];
for (const room of Object.keys(plan.rooms)) problems.push(...checkManifest(room));
for (const file of sourceFiles(['libs', 'services', 'test'], ['.ts'])) {
  problems.push(...checkImports(file), ...checkExports(file));
}
report('floor plan', problems);

/** The plan itself must hold what it promises. */
function arrowsThatDoNotPointDown({ rooms }: Architecture): string[] {
  return Object.entries(rooms).flatMap(([from, room]) => {
    if (room.floor === 'side') return [];
    const own = room.floor;
    return room.mayImport
      .filter((to) => {
        const floor = rooms[to]?.floor;
        return typeof floor !== 'number' || floor > own || (floor === own && own !== 1);
      })
      .map((to) => `architecture.config.json: ${from} may not import ${to}: that is not a floor below`);
  });
}

function checkManifest(room: string): string[] {
  const path = `${room}/package.json`;
  if (!existsSync(join(root, path))) return [`${path} is missing`];
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  const wrong = Object.keys(dependencies).filter((name) => {
    const to = roomNamed(name);
    return (
      to !== undefined &&
      (!mayImport(plan, room, to) || (plan.onlyInTests.includes(to) && room.startsWith('services/')))
    );
  });
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => /^[\^~]/.test(version));
  return [
    ...wrong.map((name) => `${path}: ${room} may not depend on ${name}`),
    ...loose.map(([name, version]) => `${path}: ${name} needs an exact version, not ${version}`),
  ];
}

function checkImports(file: SourceFile): string[] {
  const room = roomOf(plan, file.path);
  if (room === undefined) return [`${file.path}: not in any room of architecture.config.json`];
  return importsOf(file).flatMap(({ name, line }) => {
    const reason = objection(file, room, name);
    return reason === undefined ? [] : [`${file.path}:${line}: import of ${name}: ${reason}`];
  });
}

function objection(file: SourceFile, room: string, name: string): string | undefined {
  if (name.startsWith('.')) return relativeObjection(file, room, name);
  if (!name.startsWith('@millrace/')) return undefined;
  const to = roomNamed(name);
  if (to === undefined) return 'there is no such room';
  if (to === room) return 'a package imports its own files by relative paths';
  if (plan.onlyInTests.includes(to)) return isTest(file.path) || room === to ? undefined : 'only tests may';
  return mayImport(plan, room, to) || isTest(file.path) ? undefined : `the floor plan does not let ${room}`;
}

function relativeObjection(file: SourceFile, room: string, name: string): string | undefined {
  const target = resolveRelative(file, name);
  if (!target.startsWith(`${room}/`)) return 'it leaves the package';
  if (target.endsWith('/mod.ts') && !isTest(file.path)) return 'the door is for others; import the file itself';
  return undefined;
}

/** One door per package with names on it, and no default exports: a name is the same everywhere. */
function checkExports(file: SourceFile): string[] {
  const found: string[] = [];
  visitSyntax(file, (node) => {
    if (node.type === 'ExportAllDeclaration') found.push(`${file.path}: exports a whole file; name what is exported`);
    const wanted = file.path.endsWith('global-setup.ts');
    if (node.type === 'ExportDefaultDeclaration' && !wanted) found.push(`${file.path}: has a default export`);
  });
  return found;
}

function roomNamed(packageName: string): string | undefined {
  const name = /^@millrace\/([^/]+)/.exec(packageName)?.[1];
  return Object.keys(plan.rooms).find((room) => room === name || room.endsWith(`/${name}`));
}
