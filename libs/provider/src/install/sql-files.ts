import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the provider's SQL. */
export const sqlFolder = fileURLToPath(new URL('../../sql/', import.meta.url));

/** One SQL file that is applied whole. */
export interface SqlFile {
  readonly name: string;
  readonly sql: string;
}

/** Every .sql file of a folder below sql/, by name; none when there is no such folder. */
export async function readSqlFiles(folder: string): Promise<SqlFile[]> {
  const dir = `${sqlFolder}${folder}`;
  const names = (await readdir(dir).catch(() => [] as string[])).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(`${dir}/${name}`, 'utf8') })));
}

/** One file directly in sql/. */
export async function readSqlFile(name: string): Promise<string> {
  return readFile(`${sqlFolder}${name}`, 'utf8');
}
