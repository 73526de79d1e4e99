import { readFile } from 'node:fs/promises';

/** The statement in the file NAME.sql of a folder. Rejects when there is no such file. */
export type SqlFolder = (name: string) => Promise<string>;

/** Reads each file of a folder of statements once. `folder`: a file URL that ends with a slash. */
export function sqlFolder(folder: URL): SqlFolder {
  const texts = new Map<string, Promise<string>>();
  return (name) => {
    const text = texts.get(name) ?? readFile(new URL(`${name}.sql`, folder), 'utf8');
    texts.set(name, text);
    return text;
  };
}
