// What is known of the provider's tables and of the subscribers before `add` and `resync` decide.
import type { TableName } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import type { DoctorFinding } from '../../doctor/report.ts';
import type { Candidate } from '../../preflight/check-provider-tables.ts';
import type { Refusal } from '../../preflight/refusals.ts';
import type { Target } from '../targets.ts';

/** One table at the provider. */
export interface TableFacts {
  readonly table: TableName;
  readonly inSet: boolean;
  readonly checked: Candidate | Refusal;
}

/** One subscriber. Maps are by `tableKey`. */
export interface SubscriberFacts {
  readonly name: string;
  /** Its database can be reached from here. */
  readonly isNear: boolean;
  readonly followed: Target['tables'];
  /** Copies requested and not finished that include it. */
  readonly openCopies: ReadonlyMap<string, number>;
  /** Those of the tables that are there; empty where it is not near. */
  readonly descriptions: ReadonlyMap<string, TableDescription>;
}

export interface SetFacts {
  readonly tables: readonly TableFacts[];
  readonly subscribers: readonly SubscriberFacts[];
}

export interface AdditionFacts extends SetFacts {
  /** What the doctor finds against following the new tables, by subscriber. */
  readonly findings: ReadonlyMap<string, readonly DoctorFinding[]>;
}
