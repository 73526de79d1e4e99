import { randomBytes } from 'node:crypto';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { z } from 'zod';
import { oneLine } from './answer.ts';

const fault = z.strictObject({ code: z.string(), message: z.string() });

/** A command that was given over HTTP. */
export const jobDocument = z.strictObject({
  id: z.string(),
  verb: z.string(),
  actor: z.string().describe('who gave it'),
  state: z.enum(['running', 'done', 'failed']),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  notes: z.array(z.string()).describe('what it said to people on its way; the newest 500 lines'),
  result: z.unknown().describe('the document of the verb; null: none yet, or it failed'),
  exit_code: z.int().nullable().describe('as of the command line; 1 also when the result of a check is not ok'),
  error: fault.nullable(),
});

export type Job = z.infer<typeof jobDocument>;

/** What a command's work may say on its way. */
export interface JobVoice {
  note(line: string): void;
  result(document: unknown): void;
}

const maxRunning = 16;
const maxJobs = 200;
const maxNotes = 500;

/** Commands that run or have ended, in memory: a client comes back for their outcome. */
export class JobBook {
  readonly #jobs = new Map<string, Job>();
  readonly #ends = new Map<string, Promise<void>>();
  #closed = false;

  /** Begins the work. Throws TOO_MANY. Nothing that the work throws is thrown here. */
  start({ verb, actor }: { verb: string; actor: string }, work: (voice: JobVoice) => Promise<number>): Job {
    if (this.#closed)
      throw new MillraceError(codes.TOO_MANY, 'admin is stopping', { advice: 'try again when it is back' });
    if (this.#ends.size >= maxRunning) {
      throw new MillraceError(codes.TOO_MANY, `${maxRunning} commands are running already`, {
        advice: 'try again later',
      });
    }
    const job: Job = {
      id: randomBytes(12).toString('hex'),
      verb,
      actor,
      state: 'running',
      started_at: new Date().toISOString(),
      ended_at: null,
      notes: [],
      result: null,
      exit_code: null,
      error: null,
    };
    this.#jobs.set(job.id, job);
    const end = run(job, work).finally(() => this.#ends.delete(job.id));
    this.#ends.set(job.id, end);
    this.#forgetOld();
    return job;
  }

  /** Begins no more jobs, and waits for those that run, but no longer than this number of milliseconds. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    await within(Promise.all(this.#ends.values()), ms);
  }

  /** Resolves when the job has ended, or after this number of milliseconds. */
  async settled(job: Job, ms: number): Promise<void> {
    await within(this.#ends.get(job.id), ms);
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].reverse();
  }

  #forgetOld(): void {
    for (const { id, state } of this.#jobs.values()) {
      if (this.#jobs.size <= maxJobs) return;
      if (state !== 'running') this.#jobs.delete(id);
    }
  }
}

async function within(work: Promise<unknown> | undefined, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

async function run(job: Job, work: (voice: JobVoice) => Promise<number>): Promise<void> {
  const voice: JobVoice = {
    note: (line) => {
      job.notes.push(line);
      if (job.notes.length > maxNotes) job.notes.shift();
    },
    result: (document) => {
      job.result = document;
    },
  };
  try {
    job.exit_code = await work(voice);
    job.state = 'done';
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    job.error = { code, message: oneLine(sentence) };
    job.exit_code = 1;
    job.state = 'failed';
  }
  job.ended_at = new Date().toISOString();
}
