import type { Queryable } from '../client.ts';
import { sqlFileRunner } from '../schema/sql-folder.ts';

const run = sqlFileRunner(new URL('../../sql/', import.meta.url));

/** What a server reports of its configuration and of the session's database. */
export interface ServerFacts {
  /** Its clock, milliseconds since 1970, as text. */
  readonly now: string;
  /** server_version_num. */
  readonly version: number;
  readonly encoding: string;
  /** Together the same only for the same database; system null: the role may not query it. */
  readonly database: string;
  readonly system: string | null;
}

export async function readServerFacts(client: Queryable): Promise<ServerFacts> {
  const [row] = await run<ServerFacts>(client, 'server_facts');
  if (row === undefined) throw new Error('no facts');
  return row;
}
