import { codes, type ErrorCode, MillraceError } from '@millrace/errors';
import { type Queryable, sqlstateOf, statementError } from '@millrace/postgres';

/** SQLSTATEs that our functions raise (MR…), or that mean that they are not there, as codes of ours. */
const known: Readonly<Record<string, ErrorCode>> = {
  MR001: codes.NOT_FOUND,
  MR002: codes.POSITION,
  MR003: codes.DATABASE_REFUSED,
  MR004: codes.PROVIDER_HISTORY,
  '42P01': codes.NOT_FOUND,
  '0A000': codes.NOT_REPLICABLE,
  '42809': codes.NOT_REPLICABLE,
  '42883': codes.NOT_INSTALLED,
  '3F000': codes.NOT_INSTALLED,
  '22023': codes.USAGE,
};

/** Gives an error of a statement on our schema its code; the server's hint becomes the advice. */
export function providerError(error: unknown, doing: string): MillraceError {
  const sqlstate = sqlstateOf(error);
  const code = sqlstate === undefined ? undefined : known[sqlstate];
  if (error instanceof MillraceError || sqlstate === undefined || code === undefined)
    return statementError(error, doing);
  const { message } = statementError(error, doing);
  const { message: said, hint } = error as { message: string; hint?: string };
  // What is not repeated of the sentence is not repeated of the hint either.
  const ownHint = message.endsWith(said) ? hint : undefined;
  const advice = code === codes.NOT_INSTALLED ? 'run millrace install' : ownHint;
  return new MillraceError(code, message, { cause: error, sqlstate, ...(advice ? { advice } : {}) });
}

/** Runs one statement; `doing` says what for, to people: "making a tick". Throws MillraceError. */
export async function query<Row>(
  client: Queryable,
  doing: string,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  try {
    return (await client.query(sql, [...params])).rows as Row[];
  } catch (error) {
    throw providerError(error, doing);
  }
}

/** The same for a statement that gives exactly one row. */
export async function queryOne<Row>(
  client: Queryable,
  doing: string,
  sql: string,
  params: readonly unknown[],
): Promise<Row> {
  const [row] = await query<Row>(client, doing, sql, params);
  if (row === undefined) throw new MillraceError(codes.INTERNAL, `${doing}: no answer`);
  return row;
}

/** A timestamptz as ISO 8601 with microseconds in UTC, whatever the session's DateStyle and TimeZone. */
export function isoTime(column: string): string {
  return `pg_catalog.to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
