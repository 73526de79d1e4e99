// SQL text belongs to the libs that own a schema; a statement elsewhere is a leak of knowledge.
import { readArchitecture } from './architecture.ts';
import { isTest, lineAt, report, type SourceFile, sourceFiles, visitSyntax } from './source-files.ts';

const { sqlFolders } = readArchitecture();
const statement =
  /^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\S+\s+AS\s|TRUNCATE\s|COPY\s|LOCK\s+TABLE|(CREATE|ALTER|DROP)\s+[A-Z]|(GRANT|REVOKE)\s|SET\s+(LOCAL\s)?[a-z_]+\s*(=|TO)|BEGIN\b|COMMIT\b|ROLLBACK\b)/;
const problems: string[] = [];
for (const file of sourceFiles(['libs', 'services'], ['.ts'])) {
  if (isTest(file.path) || sqlFolders.some((folder) => file.path.startsWith(folder))) continue;
  checkTexts(file);
}
// A database of any encoding must take them, comments in functions included.
for (const file of sourceFiles(['libs', 'services'], ['.sql'])) {
  const odd = /[^ -~\s]/.exec(file.text);
  if (odd !== null) problems.push(`${file.path}:${lineAt(file, odd.index)}: ${odd[0]} is not ASCII`);
}
report('SQL outside its folders', problems);

function checkTexts(file: SourceFile): void {
  visitSyntax(file, (node) => {
    const text = node.type === 'TemplateElement' ? (node['value'] as { raw: string }).raw : node['value'];
    if (node.type !== 'TemplateElement' && node.type !== 'Literal') return;
    if (typeof text !== 'string' || !statement.test(text)) return;
    problems.push(`${file.path}:${lineAt(file, node.start)}: ${text.trim().split('\n')[0]?.slice(0, 60)}`);
  });
}
