import { readSqlFiles, type SqlFile } from './sql-files.ts';

/** Where templates are: whole statements with named holes, which millrace.fill fills. */
const folders = ['functions/templates', 'payload/templates', 'triggers/templates'] as const;

/** Text that several templates share: a line `--use <file> name = text; name = text` stands for it. */
const partsFolder = 'triggers/templates/parts';

/**
 * The function millrace.template(name), which returns the text of a template. A template is code that runs with the
 * owner's rights; kept as a function it can be replaced by the owner only, and with the next installation.
 */
export async function readTemplates(): Promise<SqlFile> {
  const parts = new Map((await readSqlFiles(partsFolder)).map((file) => [nameOf(file), withoutHeader(file.sql)]));
  const files = (await Promise.all(folders.map(readSqlFiles))).flat();
  const branches = files.map((file) => {
    const text = withParts(withoutHeader(file.sql), parts);
    return `    WHEN '${nameOf(file)}' THEN RETURN $template$${text}$template$;`;
  });
  const sql = `
CREATE OR REPLACE FUNCTION millrace.template(i_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $templates$
BEGIN
    CASE i_name
${branches.join('\n')}
    ELSE RAISE EXCEPTION 'no template named %', i_name;
    END CASE;
END $templates$;
`;
  return { name: 'millrace.template.sql', sql };
}

/** Puts the shared parts in, indented as their lines `--use`. Throws when one does not exist. */
function withParts(text: string, parts: ReadonlyMap<string, string>): string {
  return text.replace(/^( *)--use (\w+) ?(.*)\n/gm, (_line, indent: string, name: string, list: string) => {
    let part = parts.get(name);
    if (part === undefined) throw new Error(`no part of templates is named ${name}`);
    for (const [key, value] of parameters(list)) part = part.replaceAll(`{{${key}}}`, () => value);
    return withParts(part.replace(/^(?=.)/gm, indent), parts);
  });
}

function parameters(list: string): [string, string][] {
  if (list === '') return [];
  return list.split('; ').map((item) => {
    const at = item.indexOf(' = ');
    return [item.slice(0, at), item.slice(at + 3)];
  });
}

function nameOf(file: SqlFile): string {
  return file.name.replace(/\.sql$/, '');
}

/** The comment at the head of a file is for its readers. */
function withoutHeader(sql: string): string {
  return sql.replace(/^(-- .*\n)+/, '');
}
