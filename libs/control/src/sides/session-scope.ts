// Which sessions are whose: work that was begun for somebody who may leave, and that may not take for ever.
import { AsyncLocalStorage } from 'node:async_hooks';
import { codes, MillraceError } from '@millrace/errors';
import { applySettings, dropSession, type PgClient } from '@millrace/postgres';

/** The end of work: at the latest after `maxMs`, earlier when the signal comes. */
export interface WorkBounds {
  readonly signal?: AbortSignal;
  readonly maxMs: number;
}

interface Scope {
  readonly ended: AbortSignal;
  readonly maxMs: number;
}

const scopes = new AsyncLocalStorage<Scope>();

/** What has lost its sessions ends soon; what has none, or does not notice, is not waited for longer. */
const graceMs = 1_000;

/**
 * Runs work whose sessions end with it: at its end they are dropped, so that it fails or gives what it has, and no statement of
 * theirs takes longer than `maxMs` at the server either. Throws TIMEOUT after that time, CANCELLED after the signal.
 */
export async function withinBounds<T>({ signal, maxMs }: WorkBounds, work: () => Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(maxMs);
  const ended = signal === undefined ? late : AbortSignal.any([signal, late]);
  const { promise: given, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const giveUp = () => {
    timer = setTimeout(() => reject(endError(late, maxMs)), graceMs);
  };
  ended.addEventListener('abort', giveUp, { once: true });
  try {
    if (ended.aborted) throw endError(late, maxMs);
    return await Promise.race([scopes.run({ ended, maxMs }, work), given]);
  } catch (error) {
    throw ended.aborted ? endError(late, maxMs) : error;
  } finally {
    ended.removeEventListener('abort', giveUp);
    clearTimeout(timer);
  }
}

/** Has the server end statements of the session with the work. To be called after all other settings. */
export async function bindStatements(client: PgClient): Promise<void> {
  const own = scopes.getStore();
  if (own !== undefined) await applySettings(client, { statement_timeout: `${own.maxMs}ms` });
}

/** Binds the session to the work that opened it. */
export function bindSession(client: PgClient): void {
  const signal = scopes.getStore()?.ended;
  if (signal === undefined) return;
  const drop = () => dropSession(client);
  if (signal.aborted) drop();
  else signal.addEventListener('abort', drop, { once: true });
  client.once('end', () => signal.removeEventListener('abort', drop));
}

function endError(late: AbortSignal, maxMs: number): MillraceError {
  if (!late.aborted) return new MillraceError(codes.CANCELLED, 'nobody waits for it any more');
  return new MillraceError(codes.TIMEOUT, `this was not done within ${maxMs / 1_000} s`, {
    advice: 'a server behind it is slow, or a lock is held there; see `millrace doctor`',
  });
}
