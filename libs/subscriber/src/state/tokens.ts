import { codes, type ErrorCode, MillraceError } from '@millrace/errors';
import { type PgClient, sqlstateOf, statementError } from '@millrace/postgres';

/** SQLSTATEs that millrace.wait_for raises. */
const known: Readonly<Record<string, ErrorCode>> = {
  '22023': codes.USAGE,
  MR001: codes.NOT_FOUND,
  MR004: codes.PROVIDER_HISTORY,
};

/** A server does not notice within a statement that the client has gone. */
const stepMs = 1_000;

/**
 * Waits until this database has what a token stands for. Gives undefined, or at the timeout what is missing, in words. Throws
 * USAGE (no token), NOT_FOUND (nothing of it is followed here), PROVIDER_HISTORY (of another provider or history).
 */
export async function waitForToken(client: PgClient, token: string, timeoutMs: number): Promise<string | undefined> {
  let lack = 'not applied within the timeout';
  const listener = ({ message }: { message?: string | undefined }) => {
    lack = message ?? lack;
  };
  client.on('notice', listener);
  const end = performance.now() + timeoutMs;
  try {
    for (let leftMs = timeoutMs; ; leftMs = Math.max(0, end - performance.now())) {
      const sql = 'SELECT millrace.wait_for($1, make_interval(secs => $2)) AS there';
      const { rows } = await client.query<{ there: boolean }>(sql, [token, Math.min(leftMs, stepMs) / 1_000]);
      if (rows[0]?.there === true) return undefined;
      if (performance.now() >= end) return lack.replace(/within \S+:/, `within ${timeoutMs / 1_000} s:`);
    }
  } catch (error) {
    const code = known[sqlstateOf(error) ?? ''];
    if (code === undefined) throw statementError(error, 'waiting for a token');
    const { message, hint } = error as { message: string; hint?: string };
    throw new MillraceError(code, message, { cause: error, ...(hint === undefined ? {} : { advice: hint }) });
  } finally {
    client.off('notice', listener);
  }
}
