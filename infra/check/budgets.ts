// Lines per file, lines per function and positional parameters, with the numbers of architecture.config.json.
import { readArchitecture } from './architecture.ts';
import { isTest, lineAt, report, type SourceFile, sourceFiles, visitSyntax } from './source-files.ts';

const { budgets } = readArchitecture();
const functions = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
const problems: string[] = [];
const folders = ['libs', 'services', 'test', 'infra', 'bin'];
for (const file of sourceFiles(folders, ['.ts', '.mjs', '.sql'])) {
  const lines = file.text.split('\n').length - 1;
  if (lines > budgets.fileLines) problems.push(`${file.path}: ${lines} lines, at most ${budgets.fileLines}`);
  if (!file.path.endsWith('.sql')) checkFunctions(file);
}
report('budgets', problems);

function checkFunctions(file: SourceFile): void {
  visitSyntax(file, (node) => {
    if (!functions.test(node.type)) return;
    const first = lineAt(file, node.start);
    const lines = lineAt(file, node.end) - first + 1;
    if (lines > budgets.functionLines && !isTest(file.path)) {
      problems.push(`${file.path}:${first}: function of ${lines} lines, at most ${budgets.functionLines}`);
    }
    const parameters = (node['params'] as unknown[] | undefined)?.length ?? 0;
    if (parameters > budgets.positionalParameters) {
      problems.push(
        `${file.path}:${first}: ${parameters} positional parameters, at most ${budgets.positionalParameters}`,
      );
    }
  });
}
