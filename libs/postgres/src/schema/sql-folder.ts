import { readFile } from 'node:fs/promises';
import type { Queryable } from '../client.ts';

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

/** Runs the statement in the file NAME.sql of a folder and resolves to its rows. Throws the driver's errors. */
export type RunSqlFile = <Row>(client: Queryable, name: string, values?: readonly unknown[]) => Promise<Row[]>;

/** For a library's functions on its own statements. `folder` as for `sqlFolder`. */
export function sqlFileRunner(folder: URL): RunSqlFile {
  const text = sqlFolder(folder);
  return async <Row>(client: Queryable, name: string, values: readonly unknown[] = []) =>
    (await client.query(await text(name), [...values])).rows as Row[];
}
