import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What is needed of a database session. */
export interface Session {
  query(sql: string): Promise<{ readonly rows: readonly unknown[] }>;
}

const folder = fileURLToPath(new URL('../sql/', import.meta.url));

/** The comment on a schema that we made. Its number is raised with the first change to what is in it. */
const mark = 'Millrace pgq_ext 1';

/**
 * Makes schema `pgq_ext` in a database where consumers note what they have done, unless it is there: ours, the real extension's
 * or another owner's. Also left out where the session's role may not create schemas. Call it in a transaction, alone among installers.
 */
export async function installPgqExt(client: Session): Promise<void> {
  const found = await client.query(`SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'pgq_ext') AS wanted`);
  if (!(found.rows[0] as { wanted: boolean }).wanted) return;
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const texts = await Promise.all(names.map((name) => readFile(`${folder}${name}`, 'utf8')));
  await client.query(texts.join('\n'));
}

/** Removes schema `pgq_ext` if it is ours. */
export async function uninstallPgqExt(client: Session): Promise<void> {
  const found = await client.query(`SELECT FROM pg_catalog.pg_namespace n
    WHERE n.nspname = 'pgq_ext' AND pg_catalog.obj_description(n.oid, 'pg_namespace') = '${mark}'`);
  if (found.rows.length > 0) await client.query('DROP SCHEMA pgq_ext CASCADE');
}
