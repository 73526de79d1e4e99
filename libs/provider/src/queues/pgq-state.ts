import { codes, MillraceError } from '@millrace/errors';
import type { Queryable } from '@millrace/postgres';
import { queryOne } from '../query.ts';

/** What a database has of PgQ. */
export interface PgqState {
  /** ours: schema pgq is Millrace's; extension: the server's own pgq extension; other: somebody else's schema of that name. */
  readonly pgq: 'none' | 'ours' | 'extension' | 'other';
  /** Schema millrace of a provider is there: sets, the audit. */
  readonly millrace: boolean;
}

/** Reads the catalogs; needs no right but to connect. */
export async function pgqState(client: Queryable): Promise<PgqState> {
  const sql = `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgq') AS extension,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'pgq' AND c.relname = 'queue') AS pgq,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'millrace' AND c.relname = 'provider_migration') AS millrace`;
  type Row = { extension: boolean; pgq: boolean; millrace: boolean };
  const { extension, pgq, millrace } = await queryOne<Row>(client, 'looking for PgQ', sql, []);
  const kind = !pgq ? 'none' : extension ? 'extension' : millrace ? 'ours' : 'other';
  return { pgq: kind, millrace };
}

/** The same where PgQ must be there. `where` names the database to people. Throws NOT_INSTALLED. */
export async function needPgq(client: Queryable, where: string): Promise<PgqState> {
  const state = await pgqState(client);
  if (state.pgq !== 'none') return state;
  throw new MillraceError(codes.NOT_INSTALLED, `${where} has no schema pgq`, {
    advice: 'run `millrace install`, or make a queue with `millrace queue create`',
  });
}
