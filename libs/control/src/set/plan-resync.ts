import type { TableState } from '@millrace/model';

/** What is known of one table at one subscriber before it is copied again. */
export interface Resyncing {
  /** Undefined: not followed there. */
  readonly state: TableState | undefined;
  /** The copy it waits for, as it knows it. */
  readonly copyId: number | undefined;
  /** Why the copy does not go on. */
  readonly error: string | null;
  /** A copy that is asked for and not finished, and includes this subscriber. */
  readonly openCopy: number | undefined;
}

/**
 * What is to be done there: anew: it waits for a new copy. copy: it waits already, and the copy must be asked for. expect: it must
 * be told which copy it waits for. nothing: that copy is on its way. absent: it is not followed.
 */
export type Resync = 'anew' | 'copy' | 'expect' | 'nothing' | 'absent';

/** A copy on its way is as good as a new one: what changes meanwhile is applied after it. One that is broken is not. */
export function planResync({ state, copyId, error, openCopy }: Resyncing): Resync {
  if (state === undefined) return 'absent';
  if (state === 'registered') return openCopy === undefined ? 'copy' : copyId === openCopy ? 'nothing' : 'expect';
  if (state === 'copying' && error === null && openCopy !== undefined && copyId === openCopy) return 'nothing';
  return 'anew';
}
