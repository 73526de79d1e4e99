// What `add` and `resync` will do: made by plan-addition.ts and plan-resync.ts, done by carry-out.ts.
import type { Candidate } from '../../preflight/check-provider-tables.ts';
import type { Step } from './steps.ts';

/** What is to be done with one table at one subscriber. */
export interface SubscriberStep {
  readonly subscriber: string;
  /** Its database can be reached from here. */
  readonly isNear: boolean;
  readonly step: Step;
  /** A copy that is requested and not finished, and includes it. */
  readonly openCopy: number | undefined;
}

/** What is to be done with one table. */
export interface TablePlan {
  readonly candidate: Candidate;
  /** The provider has to begin to capture it, or to repair its triggers. */
  readonly capture: boolean;
  readonly steps: readonly SubscriberStep[];
  /** Whether the command then counts the table as changed. */
  readonly isChanged: boolean;
  /** Lines for people, before and after. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** A table to make at a subscriber. */
export interface MissingTable {
  readonly subscriber: string;
  readonly candidate: Candidate;
}

export interface SetPlan {
  readonly missing: readonly MissingTable[];
  readonly tables: readonly TablePlan[];
}
