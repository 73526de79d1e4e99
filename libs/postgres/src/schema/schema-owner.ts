import { codes, MillraceError } from '@millrace/errors';
import type { Queryable } from '../client.ts';

/**
 * Schema millrace must be ours: whoever owns it can drop our functions and put others in their place, which then run with
 * the rights of those that call them. A superuser's will do, or one of a role that this ordinary one stands for. Throws
 * NOT_REPLICABLE.
 */
export async function refuseForeignSchema(client: Queryable): Promise<void> {
  const result = await client.query(`SELECT o.rolname AS owner,
      o.rolname = current_user OR o.rolsuper
      OR (NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, o.oid, 'USAGE')) AS trusted
    FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner, pg_roles me
    WHERE n.nspname = 'millrace' AND me.rolname = current_user`);
  const { owner, trusted } = result.rows[0] as { owner: string; trusted: boolean };
  if (trusted) return;
  throw new MillraceError(codes.NOT_REPLICABLE, `the schema millrace belongs to the role ${owner}`, {
    advice: `install as ${owner} if that is Millrace's role, else drop that schema`,
  });
}
