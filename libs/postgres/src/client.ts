import type pg from 'pg';

/** What a function needs that only queries: a client, or one inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

export type PgClient = pg.Client;
