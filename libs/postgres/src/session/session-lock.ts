// Locks that a session holds until it ends, and that only roles of Millrace can hold: sql/locks/4_millrace.request_lock.sql.
import type { Queryable } from '../client.ts';
import { sqlstateOf } from '../database-error.ts';

/** What became of a request. */
export interface LockRequest {
  /** This session holds the lock. */
  readonly won: boolean;
  /** Who holds it otherwise, for people; undefined when it was released meanwhile or cannot be known. */
  readonly holder?: string;
}

interface HolderRow {
  readonly won: boolean;
  readonly holder_pid: number | null;
  readonly holder_role: string | null;
  readonly holder_application: string | null;
}

/** Requests the lock; does not wait for its holder. Throws the driver's errors. */
export async function requestLock(client: Queryable, name: string): Promise<LockRequest> {
  try {
    const result = await client.query('SELECT * FROM millrace.request_lock($1)', [name]);
    return answerOf(result.rows[0] as HolderRow);
  } catch (error) {
    if (!notThere.has(sqlstateOf(error) ?? '')) throw error;
    return requestPlainLock(client, name);
  }
}

/** Requests the lock that makes this session the leader for `name`; true when it has it. */
export async function tryLead(client: Queryable, name: string): Promise<boolean> {
  return (await requestLock(client, name)).won;
}

/** No such function or schema: a database with another's schema pgq, or one whose Millrace is older. */
const notThere = new Set(['42883', '3F000']);

async function requestPlainLock(client: Queryable, name: string): Promise<LockRequest> {
  const result = await client.query(
    'SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 7717::bigint)) AS won',
    [`millrace:${name}`],
  );
  return { won: result.rows[0]?.won === true };
}

function answerOf({ won, holder_pid, holder_role, holder_application }: HolderRow): LockRequest {
  if (won || holder_role === null) return { won };
  return { won, holder: `role ${holder_role}, process ${holder_pid}, application "${holder_application ?? ''}"` };
}
