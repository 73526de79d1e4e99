// What is to be done with one table at one subscriber, decided from what is known of it.
import type { TableState } from '@millrace/model';

/**
 * What is to be done there:
 * follow: begin, waiting for a copy. follow-ok: begin immediately. copy-again: it is followed, but needs a copy from the start.
 * request-copy: only the request is missing. expect-copy: only the number of the requested copy is missing.
 * nothing. refuse: it is being copied, so it cannot be declared equal.
 */
export type Step = 'follow' | 'follow-ok' | 'copy-again' | 'request-copy' | 'expect-copy' | 'nothing' | 'refuse';

/** What is known of one table at one subscriber before it is added. */
export interface AdditionSituation {
  /** Undefined: not followed there. */
  readonly state: TableState | undefined;
  /** The provider captures its changes already. */
  readonly inSet: boolean;
  /** Changes of it at the provider may not have been captured, or the table is missing at the subscriber. */
  readonly broken: boolean;
  /** A copy that is requested and not finished, and includes this subscriber. */
  readonly openCopy: number | undefined;
  /** The operator promises that the rows are equal. */
  readonly noCopy: boolean;
}

/** Decides from what is there, so that repeating a command that was interrupted anywhere finishes it. */
export function additionStep({ state, inSet, broken, openCopy, noCopy }: AdditionSituation): Step {
  if (state === undefined) return noCopy ? 'follow-ok' : 'follow';
  if (noCopy) return state === 'ok' ? 'nothing' : 'refuse';
  if (state === 'registered') return openCopy === undefined ? 'request-copy' : 'expect-copy';
  // Followed, but its changes were not captured, or not all of them: the rows that are there are stale.
  if (state === 'held' || !inSet || broken) return 'copy-again';
  return 'nothing';
}

/** What is known of one table at one subscriber before it is copied again. */
export interface ResyncSituation {
  /** Undefined: not followed there. */
  readonly state: TableState | undefined;
  /** The copy it waits for, as it knows it. */
  readonly copyId: number | undefined;
  /** Why the copy does not go on. */
  readonly error: string | null;
  /** A copy that is requested and not finished, and includes this subscriber. */
  readonly openCopy: number | undefined;
}

/** What is to be done there; nothing: that copy is on its way. absent: it is not followed. */
export type ResyncStep = Extract<Step, 'copy-again' | 'request-copy' | 'expect-copy' | 'nothing'> | 'absent';

/** A copy on its way is as good as a new one: what changes meanwhile is applied after it. One that is broken is not. */
export function resyncStep({ state, copyId, error, openCopy }: ResyncSituation): ResyncStep {
  if (state === undefined) return 'absent';
  if (state === 'registered')
    return openCopy === undefined ? 'request-copy' : copyId === openCopy ? 'nothing' : 'expect-copy';
  if (state === 'copying' && error === null && openCopy !== undefined && copyId === openCopy) return 'nothing';
  return 'copy-again';
}

/** Whether a copy must be requested. */
export function needsCopy(step: Step): boolean {
  return step === 'follow' || step === 'copy-again' || step === 'request-copy';
}
