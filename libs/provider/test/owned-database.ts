import { randomBytes } from 'node:crypto';
import { connect, inSession, type PgClient, quoteIdent } from '@millrace/postgres';
import { createDatabase } from '@millrace/testkit';
import { onTestFinished } from 'vitest';

const options = { applicationName: 'provider test' };

/** A database that belongs to an ordinary role: no superuser, CREATEROLE, hostile settings of its own. */
export interface OwnedDatabase {
  readonly url: string;
  readonly superuserUrl: string;
  /** A session as the owner; closed when the test ends. */
  open(): Promise<PgClient>;
  /** A session as the superuser; closed when the test ends. */
  openSuperuser(): Promise<PgClient>;
}

/** What an application's role may have set for itself; nothing of ours may depend on it. */
const hostile = {
  search_path: 'nowhere, public',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  escape_string_warning: 'off',
  quote_all_identifiers: 'on',
  transform_null_equals: 'on',
  row_security: 'off',
  'plpgsql.extra_errors': 'all',
  synchronous_commit: 'off',
  default_toast_compression: 'pglz',
};

/** Makes one on the shared server of a version. */
export async function ownedDatabase(major = 18): Promise<OwnedDatabase> {
  const database = await createDatabase({ major });
  return own(database.url, database.name);
}

/** Gives a database to a new role. */
export async function own(superuserUrl: string, name: string): Promise<OwnedDatabase> {
  const role = `own_${randomBytes(5).toString('hex')}`;
  await inSession(superuserUrl, options, async (client) => {
    await client.query(`CREATE ROLE ${role} LOGIN CREATEROLE PASSWORD 'secret'`);
    await client.query(`ALTER DATABASE ${quoteIdent(name)} OWNER TO ${role}`);
    await client.query(`GRANT CREATE ON SCHEMA public TO ${role}`);
    for (const [setting, value] of Object.entries(hostile)) {
      await client.query(`ALTER ROLE ${role} SET ${setting} = ${setting === 'search_path' ? value : `'${value}'`}`);
    }
  });
  const url = new URL(superuserUrl);
  url.username = role;
  url.password = 'secret';
  return {
    url: url.href,
    superuserUrl,
    open: () => session(url.href),
    openSuperuser: () => session(superuserUrl),
  };
}

/** A session that ends with the test. */
export async function session(url: string): Promise<PgClient> {
  const client = await connect(url, options);
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** First column of the first row. */
export async function value<T = string>(client: PgClient, sql: string, params: readonly unknown[] = []): Promise<T> {
  const result = await client.query<Record<string, T>>(sql, [...params]);
  return Object.values(result.rows[0] ?? {})[0] as T;
}
