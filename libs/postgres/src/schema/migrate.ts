import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from '../client.ts';

/** One numbered step. It runs once, in its own transaction with its record. */
export interface Migration {
  readonly version: number;
  /** What it does, from the file's name. */
  readonly name: string;
  readonly sql: string;
}

/** Files `001_what_it_does.sql` of a folder, in order. Throws when two share a number. */
export async function readSqlFolder(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const found: Migration[] = [];
  for (const file of files) {
    const match = /^(\d+)_(.+)\.sql$/.exec(file);
    const version = match === null ? found.length + 1 : Number(match[1]);
    if (match !== null && found.some((m) => m.version === version)) throw new Error(`two migrations ${version}`);
    found.push({ version, name: match?.[2] ?? file.slice(0, -4), sql: await readFile(join(folder, file), 'utf8') });
  }
  return found;
}

/**
 * Brings a schema up to the newest migration. The caller is in a transaction and holds the lock that makes
 * a race of installers wait; `table` (quoted, exists) has columns version and name. Returns the versions applied.
 */
export async function migrate(client: Queryable, table: string, migrations: readonly Migration[]): Promise<number[]> {
  const done = await client.query(`SELECT version FROM ${table}`);
  const known = new Set(done.rows.map((row: { version: number }) => Number(row.version)));
  const applied: number[] = [];
  for (const step of migrations) {
    if (known.has(step.version)) continue;
    await client.query(step.sql);
    await client.query(`INSERT INTO ${table} (version, name) VALUES ($1, $2)`, [step.version, step.name]);
    applied.push(step.version);
  }
  return applied;
}
