import { readFile } from 'node:fs/promises';

const texts = new Map<string, Promise<string>>();

/** The statement in `sql/NAME.sql`; each file is read once. */
export function sqlText(name: string): Promise<string> {
  const text = texts.get(name) ?? readFile(new URL(`../sql/${name}.sql`, import.meta.url), 'utf8');
  texts.set(name, text);
  return text;
}
