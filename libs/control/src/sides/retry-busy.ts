import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';

const limitMs = 30_000;
const noticeMs = 2_000;

/**
 * Repeats what was refused because of a lock or deadlock, up to 30 s. `what` names the object, for people:
 * `public.entry at the provider`.
 */
export async function retryBusy<T>(what: string, note: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  let isNoted = false;
  for (let pause = 50; ; pause = Math.min(1_000, pause * 1.6)) {
    try {
      return await work();
    } catch (error) {
      if (toMillraceError(error).code !== codes.DATABASE_BUSY) throw error;
      const waited = performance.now() - begin;
      if (waited > limitMs) throw stillBusy(what, error);
      if (!isNoted && waited > noticeMs) {
        isNoted = true;
        note(`waiting for ${what}: other transactions hold it`);
      }
      await delay(pause * (0.75 + Math.random() / 2));
    }
  }
}

function stillBusy(what: string, cause: unknown): MillraceError {
  return new MillraceError(codes.DATABASE_BUSY, `${what} was held by other transactions for ${limitMs / 1_000} s`, {
    advice: 'end the long transaction that uses it (see pg_locks, pg_stat_activity) and repeat the command',
    cause,
  });
}
