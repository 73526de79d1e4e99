/** What every job says; its text is the same on all sides. */
export interface Job {
  readonly id: number;
  readonly to: string;
  readonly subject: string;
}

/** A queue of jobs in a database of its own, as its documentation says to use it under load; handlers at least once. */
export interface JobQueue {
  /** Makes what it needs in an empty database. */
  prepare(url: string): Promise<void>;
  /** For one measurement: connects. */
  open(url: string): Promise<OpenJobQueue>;
  /** A query whose column `ok` is true when nothing that was handed out is still to be marked done. */
  readonly allDone: string;
}

export interface OpenJobQueue {
  /** By one call of the library, in one transaction. */
  insertMany(jobs: readonly Job[]): Promise<void>;
  insertOne(job: Job): Promise<void>;
  /** Begins to work with so many consumers that share the jobs; gives what ends them. */
  work(consumers: number, handler: (job: Job) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Sessions that a side may have at once. */
export const MAX_SESSIONS = 10;

/** Jobs that a consumer fetches at once, where that can be chosen: what graphile-worker's documentation has, and our own default. */
export const FETCHED_AT_ONCE = 500;
