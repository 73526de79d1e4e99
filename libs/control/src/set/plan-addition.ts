import type { TableState } from '@millrace/model';

/** What is known of one table at one subscriber before it is added. */
export interface Situation {
  /** Undefined: not followed there. */
  readonly state: TableState | undefined;
  /** The provider captures its changes already. */
  readonly inSet: boolean;
  /** The provider's changes of it may have gone by unseen. */
  readonly broken: boolean;
  /** A copy that is asked for and not finished, and includes this subscriber. */
  readonly openCopy: number | undefined;
  /** The person promises that the rows are equal. */
  readonly noCopy: boolean;
}

/**
 * What is to be done there:
 * follow: begin, waiting for a copy. follow-ok: begin at once. anew: it is followed, but needs a copy from the start.
 * copy: all it lacks is the request. expect: all it lacks is the number of the copy that was asked for.
 * nothing. refuse: it is being copied, so it cannot be declared equal.
 */
export type Addition = 'follow' | 'follow-ok' | 'anew' | 'copy' | 'expect' | 'nothing' | 'refuse';

/** Decides from what is there, so that repeating a command that was broken off anywhere finishes it. */
export function planAddition({ state, inSet, broken, openCopy, noCopy }: Situation): Addition {
  if (state === undefined) return noCopy ? 'follow-ok' : 'follow';
  if (noCopy) return state === 'ok' ? 'nothing' : 'refuse';
  if (state === 'registered') return openCopy === undefined ? 'copy' : 'expect';
  // Followed, but nobody captured its changes, or not all of them: what is there is stale.
  if (state === 'held' || !inSet || broken) return 'anew';
  return 'nothing';
}

/** Whether a copy must be asked for. */
export function needsCopy(addition: Addition): boolean {
  return addition === 'follow' || addition === 'anew' || addition === 'copy';
}
