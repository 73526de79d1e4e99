import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** One file of hand-written source. */
export interface SourceFile {
  /** Path from the project's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const skipped = new Set(['node_modules', '.tools', '.turbo', '.millrace', 'bench-results', 'coverage', 'dist']);

/** All files below the given folders whose names end in one of the endings, sorted by path. */
export function sourceFiles(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  const paths = folders.flatMap((folder) => walk(join(root, folder)));
  return paths
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function walk(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(dir, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** True for files that run only in tests: under vitest, or helpers of such files. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || /(^|\/)test\//.test(path);
}

/** A node of the syntax tree, as far as these checks look at it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Calls `visit` for every node of a file. Syntax errors are the type check's business and are passed over. */
export function visitSyntax(file: SourceFile, visit: (node: SyntaxNode) => void): void {
  const pending: unknown[] = [parseSync(file.path, file.text).program];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (isNode(value)) visit(value);
    for (const child of Object.values(value as object)) {
      if (typeof child === 'object' && child !== null) pending.push(child);
    }
  }
}

/** True for objects of the tree that stand for a piece of source. */
function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** Everything a file imports, type imports too: the text between the quotes, and where it stands. */
export function importsOf(file: SourceFile): { name: string; line: number }[] {
  const found: { name: string; line: number }[] = [];
  visitSyntax(file, (node) => {
    if (
      !/^(ImportDeclaration|ExportNamedDeclaration|ExportAllDeclaration|ImportExpression|TSImportType)$/.test(node.type)
    )
      return;
    const source = node['source'] ?? node['argument'];
    if (!isNode(source)) return;
    const name = source['value'] ?? (source['literal'] as { value?: unknown } | undefined)?.value;
    if (typeof name === 'string') found.push({ name, line: lineAt(file, node.start) });
  });
  return found;
}

/** The number of the line (from 1) that holds an offset. */
export function lineAt(file: SourceFile, offset: number): number {
  let line = 1;
  for (let at = file.text.indexOf('\n'); at !== -1 && at < offset; at = file.text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Path of a relative import, from the project's folder. */
export function resolveRelative(file: SourceFile, name: string): string {
  return relative(root, join(root, dirname(file.path), name))
    .split(sep)
    .join('/');
}

/** Prints what was found and ends the process: 1 when there is anything. */
export function report(check: string, problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${check}: ${problems.length === 0 ? 'fine' : `${problems.length} found`}\n`);
  process.exit(problems.length === 0 ? 0 : 1);
}
