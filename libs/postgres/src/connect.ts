import pg from 'pg';
import { databaseError } from './database-error.ts';

/** What a function needs that only asks: a client, or one inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

export type PgClient = pg.Client;

export interface ConnectOptions {
  /** Shown in pg_stat_activity, so that an operator sees whose session it is. */
  readonly applicationName: string;
  /** How long the server may take to let us in. Milliseconds, default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Longest wait for the answer to one query, so that a hung host is noticed. Milliseconds, default none. */
  readonly queryTimeoutMs?: number;
  /** Called once when the session ends that we did not end. */
  readonly onLost?: (error: Error) => void;
}

/** int8 and numeric stay text: a number would lie above 2^53. Dates stay text: a Date loses microseconds. */
const textOnly: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    const asText = new Set([20, 1700, 1082, 1083, 1114, 1184, 1186, 1266, 114, 3802]);
    if (asText.has(oid)) return (value: string) => value;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as never,
};

/**
 * One session. Ends with `client.end()`. A lost session is told to `onLost` and never thrown into the air.
 * Throws DATABASE_UNREACHABLE, PERMISSION or DATABASE_REFUSED.
 */
export async function connect(url: string, options: ConnectOptions): Promise<PgClient> {
  const client = new pg.Client({
    connectionString: url,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: textOnly,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
  });
  client.on('error', (error) => options.onLost?.(error));
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => {});
    throw databaseError(error, `connecting to ${databaseLabel(url)}`);
  }
  return client;
}

/** host:port/database of a URL, without user and password, for messages. */
export function databaseLabel(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.hostname || 'localhost'}:${parsed.port || '5432'}${parsed.pathname}`;
  } catch {
    return 'the database';
  }
}
