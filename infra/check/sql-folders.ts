// SQL statements stand in the folders that may hold them, and those on a schema of Millrace's in a package that owns the schema:
// a statement elsewhere spreads the knowledge of its tables. Both rules hold for .sql files and for literals.
import { readArchitecture } from './architecture.ts';
import { isTest, lineAt, report, type SourceFile, sourceFiles, visitSyntax } from './source-files.ts';

const { sqlFolders, schemaOwners } = readArchitecture();

const statement =
  /^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\S+\s+AS\s|TRUNCATE\s|COPY\s|LOCK\s+TABLE|(CREATE|ALTER|DROP)\s+[A-Z]|(GRANT|REVOKE)\s|SET\s+(LOCAL\s)?[a-z_]+\s*(=|TO)|BEGIN\b|COMMIT\b|ROLLBACK\b)/;
/** A name in a schema, in text that may be only a piece of a statement; help texts write `In SQL: SELECT …`. */
const qualifiedName =
  /(?<!In SQL: )\b(?:SELECT|FROM|JOIN|INTO|UPDATE|TABLE|ONLY|FUNCTION|CALL|TRUNCATE|EXISTS)\s+"?([a-z_]+)"?\.["a-z_]/g;
const sqlComment = /--.*$/gm;

const problems: string[] = [];
for (const file of sourceFiles(['libs', 'services'], ['.ts'])) if (!isTest(file.path)) checkLiterals(file);
for (const file of sourceFiles(['libs', 'services'], ['.sql'])) checkFile(file);
report('SQL outside its folders', problems);

function checkLiterals(file: SourceFile): void {
  visitSyntax(file, (node) => {
    const text = node.type === 'TemplateElement' ? (node['value'] as { raw: string }).raw : node['value'];
    if (node.type !== 'TemplateElement' && node.type !== 'Literal') return;
    if (typeof text !== 'string') return;
    const place = `${file.path}:${lineAt(file, node.start)}`;
    if (statement.test(text) && !isWithin(file, sqlFolders))
      problems.push(`${place}: ${text.trim().split('\n')[0]?.slice(0, 60)}`);
    checkSchemas(file, place, text.matchAll(qualifiedName));
  });
}

function checkFile(file: SourceFile): void {
  // A database of any encoding must take them, comments in functions included.
  const odd = /[^ -~\s]/.exec(file.text);
  if (odd !== null) problems.push(`${file.path}:${lineAt(file, odd.index)}: ${odd[0]} is not ASCII`);
  if (!isWithin(file, sqlFolders)) problems.push(`${file.path}: no SQL may stand here`);
  const names = Object.keys(schemaOwners).join('|');
  const code = file.text.replaceAll(sqlComment, '');
  checkSchemas(file, file.path, code.matchAll(new RegExp(`\\b(${names})"?\\.["a-z_]`, 'g')));
}

function checkSchemas(file: SourceFile, place: string, found: Iterable<RegExpMatchArray>): void {
  for (const schema of new Set([...found].map((match) => match[1] ?? ''))) {
    const owners = schemaOwners[schema];
    if (owners === undefined || isWithin(file, owners)) continue;
    problems.push(`${place}: a statement on schema ${schema}, which ${owners.join(', ')} own`);
  }
}

function isWithin(file: SourceFile, places: readonly string[]): boolean {
  return places.some((place) => file.path.startsWith(place));
}
