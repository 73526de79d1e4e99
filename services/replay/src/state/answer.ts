import { codes, MillraceError } from '@millrace/errors';
import { statementError } from '@millrace/postgres';

/** A server that does not answer a short query within this is taken for hung, ms. */
const answerTimeoutMs = 15_000;

/** The answer to a short query. Throws DATABASE_UNREACHABLE when there is none in time. */
export async function answerOf<T>(query: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const error = new MillraceError(codes.DATABASE_UNREACHABLE, 'the subscriber database does not answer');
    timer = setTimeout(() => reject(error), answerTimeoutMs);
  });
  try {
    return await Promise.race([query, silence]);
  } catch (error) {
    throw statementError(error, 'reading the state of replay');
  } finally {
    clearTimeout(timer);
  }
}
