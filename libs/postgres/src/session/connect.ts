import { codes, MillraceError } from '@millrace/errors';
import pg from 'pg';
import type { PgClient } from '../client.ts';
import { statementError } from '../database-error.ts';
import { applySettings } from './session-settings.ts';

export interface ConnectOptions {
  /** Shown in pg_stat_activity, so that an operator sees whose session it is. */
  readonly applicationName: string;
  /** Upper bound of the time until the server accepts the session. Milliseconds, default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Upper bound of the wait for the answer to one query, so that a host that hangs is noticed. Milliseconds, default none. */
  readonly queryTimeoutMs?: number;
  /** Server settings for the whole session, as `applySettings` takes them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called when the session ends that we did not end. */
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
 * One session; end it with `disconnect`. The loss of a session is reported to `onLost` and never thrown as an unhandled error.
 * Throws DATABASE_UNREACHABLE, PERMISSION, DATABASE_REFUSED, or CONFIG for a URL that cannot be read.
 */
export async function connect(url: string, options: ConnectOptions): Promise<PgClient> {
  try {
    return await open(url, options);
  } catch (error) {
    const inClear = withoutTls(url, error);
    if (inClear === undefined) throw error;
    return open(inClear, options);
  }
}

/** As libpq, `sslmode=prefer` with `uselibpqcompat` goes on without TLS where the server has none; the driver stops. */
function withoutTls(url: string, error: unknown): string | undefined {
  const { cause } = error as { readonly cause?: unknown };
  if (!(cause instanceof Error) || cause.message !== 'The server does not support SSL connections') return undefined;
  const parsed = new URL(url);
  const { searchParams: query } = parsed;
  if (query.get('uselibpqcompat') !== 'true' || query.get('sslmode') !== 'prefer') return undefined;
  query.set('sslmode', 'disable');
  return parsed.href;
}

async function open(url: string, options: ConnectOptions): Promise<PgClient> {
  const client = makeClient(url, {
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
    dropSession(client);
    throw statementError(error, `connecting to ${databaseLabel(url)}`);
  }
  if (options.settings !== undefined) await setUp(client, options.settings);
  return client;
}

async function setUp(client: PgClient, settings: Readonly<Record<string, string>>): Promise<void> {
  try {
    await applySettings(client, settings);
  } catch (error) {
    await disconnect(client);
    throw error;
  }
}

/** Throws CONFIG without repeating the URL, which may hold a password. */
function makeClient(url: string, config: pg.ClientConfig): PgClient {
  try {
    return new pg.Client({ connectionString: url, ...config });
  } catch {
    throw new MillraceError(codes.CONFIG, `the URL of ${databaseLabel(url)}, or a file that it names, cannot be read`, {
      advice: 'write postgresql://user@host:5432/database',
    });
  }
}

/**
 * Ends a session; when the other side does not answer within `graceMs` (default 1,000) the socket is dropped. Never throws; safe
 * to call twice.
 */
export async function disconnect(client: PgClient | undefined, graceMs = 1_000): Promise<void> {
  if (client === undefined) return;
  const { promise: dropped, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    dropSocket(client);
    resolve();
  }, graceMs);
  await Promise.race([client.end().catch(() => {}), dropped]);
  clearTimeout(timer);
}

/** Drops the connection immediately, whatever the session is doing: its statement fails. Never throws; safe to call twice. */
export function dropSession(client: PgClient | undefined): void {
  if (client === undefined) return;
  dropSocket(client);
  client.end().catch(() => {});
}

/** The driver has no way to say this: `end` waits for the server's answer. */
function dropSocket(client: PgClient): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
  connection?.stream?.destroy();
}

/** host:port/database of a URL, without user and password, for messages. */
export function databaseLabel(url: string): string {
  try {
    const parsed = new URL(url);
    return `${decodeURIComponent(parsed.hostname) || 'localhost'}:${parsed.port || '5432'}${parsed.pathname}`;
  } catch {
    return 'the database';
  }
}
