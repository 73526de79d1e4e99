import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import { parseConninfo } from './conninfo.ts';
import { readIni } from './ini.ts';
import { type Surroundings, urlOf } from './libpq-defaults.ts';

const text = z.string().trim().min(1);
const amount = z.coerce.number().nonnegative();

const shared = {
  job_name: text,
  logfile: text.optional(),
  pidfile: text.optional(),
  loop_delay: amount.optional(),
  /** A key of Millrace: another bus than the nats-server that the ticker starts. */
  bus_url: text.optional(),
  /** A key of Millrace: where the daemons keep what they need. */
  data_dir: text.optional(),
};

const pgqadm = z.object({ ...shared, db: text, maint_delay_min: amount.optional() });
const londiste = z.object({ ...shared, provider_db: text, subscriber_db: text, pgq_queue_name: text });

const numbers = new Set(['loop_delay', 'maint_delay_min']);

/** Keys of skytools that have nothing to do here: known, so that there is no warning about them. */
const idle = new Set([
  ...[
    'use_skylog',
    'skylog_locations',
    'maint_delay_min',
    'pgq_lazy_fetch',
    'lock_timeout',
    'copy_condition',
    'mirror_queue',
  ],
  ...[
    'log_count',
    'log_size',
    'log_size_mb',
    'connection_lifetime',
    'pgq_consumer_id',
    'parallel_copies',
    'ticker_max_count',
  ],
]);

/** What both kinds of file say. Paths are absolute. */
interface Shared {
  /** The file itself. */
  readonly file: string;
  readonly jobName: string;
  readonly logFile: string | undefined;
  readonly pidFile: string | undefined;
  readonly loopDelayMs: number | undefined;
  readonly busUrl: string | undefined;
  readonly dataDir: string;
  /** Keys without a meaning here. */
  readonly unknown: readonly string[];
}

export interface TickerSettings extends Shared {
  readonly providerUrl: string;
  readonly maintenanceMs: number | undefined;
}

export interface ReplicaSettings extends Shared {
  readonly providerUrl: string;
  readonly subscriberUrl: string;
  readonly queue: string;
  /** The job's name as a subscriber may be called. */
  readonly subscriber: string;
}

/** Where the file is, what was `--set`, and what libpq would read. */
export interface ReadOptions {
  readonly set?: ReadonlyMap<string, string>;
  readonly cwd?: string;
  readonly around?: Surroundings;
}

/** Reads `[pgqadm]` of an INI file. Throws CONFIG. */
export function readTicker(file: string, options: ReadOptions = {}): TickerSettings {
  const { values, common } = read(file, { section: 'pgqadm', schema: pgqadm, ...options });
  const providerUrl = urlOf(parseConninfo(values.db, `${file}: db`), `${file}: db`, options.around);
  const minutes = values.maint_delay_min;
  return { ...common, providerUrl, maintenanceMs: minutes === undefined ? undefined : minutes * 60_000 };
}

/** Reads `[londiste]` of an INI file. Throws CONFIG. */
export function readReplica(file: string, options: ReadOptions = {}): ReplicaSettings {
  const { values, common } = read(file, { section: 'londiste', schema: londiste, ...options });
  const url = (key: 'provider_db' | 'subscriber_db') =>
    urlOf(parseConninfo(values[key], `${file}: ${key}`), `${file}: ${key}`, options.around);
  return {
    ...common,
    providerUrl: url('provider_db'),
    subscriberUrl: url('subscriber_db'),
    queue: values.pgq_queue_name,
    subscriber: subscriberName(values.job_name),
  };
}

/** Names that a subscriber cannot have get a hash, so that two jobs never become one subscriber. */
export function subscriberName(job: string): string {
  if (/^[a-z0-9_-]{1,63}$/i.test(job)) return job;
  const mark = createHash('sha256').update(job).digest('hex').slice(0, 6);
  return `${job.replace(/[^a-z0-9_-]/gi, '_').slice(0, 56)}-${mark}`;
}

interface ReadPlan<S extends z.ZodObject> extends ReadOptions {
  readonly section: string;
  readonly schema: S;
}

function read<S extends z.ZodObject>(file: string, plan: ReadPlan<S>): { values: z.output<S>; common: Shared } {
  const found = readIni(textOf(file), plan.section, file);
  if (found === undefined) throw new MillraceError(codes.CONFIG, `${file} has no section [${plan.section}]`);
  const given = Object.fromEntries([...found, ...(plan.set ?? [])].filter(([, value]) => value !== ''));
  const parsed = plan.schema.safeParse(given);
  if (!parsed.success) throw wrong(file, plan.section, parsed.error.issues[0]);
  const values = parsed.data as z.output<typeof pgqadm>;
  const path = (name: string | undefined) => (name === undefined ? undefined : absolute(name, plan.cwd));
  const known = Object.keys(plan.schema.shape);
  const common: Shared = {
    file: absolute(file, plan.cwd),
    jobName: values.job_name,
    logFile: path(values.logfile),
    pidFile: path(values.pidfile),
    loopDelayMs: values.loop_delay === undefined ? undefined : values.loop_delay * 1_000,
    busUrl: values.bus_url,
    dataDir: absolute(values.data_dir ?? join('.millrace', 'classic', fileName(values.job_name)), plan.cwd),
    unknown: Object.keys(given).filter((key) => !known.includes(key) && !idle.has(key)),
  };
  return { values: parsed.data, common };
}

/** As skytools: relative to the current folder, `~` is the home. */
function absolute(path: string, cwd = process.cwd()): string {
  return resolve(cwd, path.replace(/^~(?=\/|$)/, homedir()));
}

function fileName(job: string): string {
  return subscriberName(job);
}

function wrong(file: string, section: string, issue: z.core.$ZodIssue | undefined): MillraceError {
  const key = String(issue?.path[0]);
  const isMissing = issue?.code === 'invalid_type' && !numbers.has(key);
  const what = isMissing ? `lacks the key ${key}` : `: the value of ${key} is wrong`;
  return new MillraceError(codes.CONFIG, `${file}${isMissing ? ' ' : ''}${what}`, {
    advice: isMissing ? `write \`${key} = …\` below [${section}]` : 'write a number',
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError(codes.CONFIG, `the configuration file ${file} cannot be read`, { cause });
  }
}
