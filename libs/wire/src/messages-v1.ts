import { tableStates } from '@millrace/model';
import { z } from 'zod';

/** The version of all messages in this file. A change that an older reader cannot read needs a new file. */
export const wireVersion = 1;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** PostgreSQL's texts hold no NUL. */
const name = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0'), 'holds NUL');
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const fingerprint = z.string().regex(/^[0-9a-f]{32}$/);
const isoTime = z
  .string()
  .min(20)
  .max(40)
  .refine((text) => /^\d{4,6}-\d\d-\d\dT[\d:.]{8,20}Z$/.test(text) && !Number.isNaN(Date.parse(text)), 'is no time');
const table = z.strictObject({ schema: name, name });
const position = z.strictObject({ tick: count, fingerprint });
const tick = z.strictObject({ tick: count, fingerprint, time: isoTime });
const provider = z.string().regex(/^[0-9]{1,20}$/);
/** Number and type of each column at the provider, in order (`parseSource` of libs/model); absent: not known. */
const source = z.string().max(400_000).optional();

export const sequenceValue = z.strictObject({
  schema: name,
  name,
  /** int8 as text. */
  last_value: z
    .string()
    .regex(/^-?[0-9]{1,19}$/)
    .refine((text) => BigInt.asIntN(64, BigInt(text)) === BigInt(text), 'is no int8'),
  is_called: z.boolean(),
});

/**
 * A run of one table's records, in order.
 * insert: CSV records of all columns; every key is new. change: CSV records `(op,…,)`. truncate: no records.
 */
const section = z.strictObject({
  table,
  form: z.enum(['insert', 'change', 'truncate']),
  /** Columns of every record in order; null: a generated column, its value is to be ignored. */
  columns: z.array(name.nullable()).max(1600),
  key: z.array(name).max(32),
  source,
  /** Records that end in this section. */
  lines: count,
  /** Bytes of this section in the body. */
  bytes: count,
  /** The first bytes continue a record of the last section of the chunk before. */
  cont: z.boolean(),
});

/** One chunk of one batch: the changes of the tick interval (prev, tick]. */
export const batchHeader = z.strictObject({
  v: z.literal(wireVersion),
  kind: z.literal('batch'),
  /** System identifier of the provider's cluster. */
  provider,
  queue: name,
  prev: position,
  tick,
  chunk: count,
  last: z.boolean(),
  sections: z.array(section).max(100_000),
  /** Records in all sections of this chunk. */
  lines: count,
  /** Of this chunk's body. */
  sha256: hex64,
  /** In the first chunk: which of the provider's transactions the tick saw, in which of its histories. */
  seen: z
    .strictObject({
      /** `xmin:xmax:xip`. */
      snapshot: z
        .string()
        .max(1_000_000)
        .regex(/^[0-9]+:[0-9]+:[0-9,]*$/),
      timeline: count,
    })
    .optional(),
  /** In the last chunk: over the whole batch. `sha256` is the digest of all chunks' digests, joined as hex text. */
  total: z.strictObject({ chunks: count, lines: count, sha256: hex64 }).optional(),
  /** In the last chunks: sequences that moved, each once. */
  sequences: z.array(sequenceValue).max(100_000).optional(),
  /** W3C trace context. */
  trace: z.string().max(128).optional(),
});

/** One piece of a table as of a pinned tick, in COPY text format, cut anywhere. */
export const copyHeader = z.strictObject({
  v: z.literal(wireVersion),
  kind: z.literal('copy'),
  provider,
  queue: name,
  copy: count,
  /** A copy that was interrupted starts again with the next attempt. */
  attempt: count,
  table,
  columns: z.array(name).max(1600),
  source,
  tick,
  chunk: count,
  last: z.boolean(),
  /** In the last chunk: rows of the whole copy. */
  rows: count.optional(),
  bytes: count,
  sha256: hex64,
  /** In the first chunk: what the provider's statistics say. */
  estimate: z.strictObject({ rows: count, bytes: count }).optional(),
  trace: z.string().max(128).optional(),
});

const reportedTable = z.strictObject({
  schema: name,
  name,
  state: z.enum(tableStates),
  copied_rows: count,
  copied_bytes: count,
  copy: z.strictObject({ id: count, attempt: count, chunk: count }).nullable(),
  /** The copy cannot continue unless it is sent again: a chunk is missing or damaged. */
  broken: z.boolean().optional(),
  /** Of a copy in progress: the provider's statistics of the table, and rows per second over the last seconds. */
  estimate: z.strictObject({ rows: count, bytes: count }).optional(),
  rows_per_s: count.optional(),
  error: z.string().max(2000).nullable().optional(),
});

/** A replay's report; the value of its key in the bucket. It permits or delays release, and is never the record. */
export const report = z.strictObject({
  v: z.literal(wireVersion),
  kind: z.literal('report'),
  subscriber: name,
  queue: name,
  provider,
  tick: count,
  fingerprint,
  state: z.enum(['running', 'paused', 'stopped']),
  /** A batch is being applied now: an unchanged position does not mean a gap. */
  busy: z.boolean(),
  error: z.strictObject({ code: name, message: z.string().max(4000) }).nullable(),
  /** The bus lacks batches that this subscriber needs: those after `from`; `to`: the next one that the bus has. */
  gap: z.strictObject({ from: count, to: count.nullable() }).nullable(),
  tables: z.array(reportedTable).max(100_000),
  applied_at: isoTime.nullable(),
  lag_ms: count,
  at: isoTime,
});

/** The ticker's notice that a tick was made. Not stored. */
export const tickNotice = z.object({ tick: count });

/** The ticker's pulse: the ticks up to `tick` hold all that was committed `age_ms` ago. Not stored; its absence means nothing. */
export const pulse = z.object({ tick: count, age_ms: count });

export type BatchHeader = z.infer<typeof batchHeader>;
export type BatchPrev = BatchHeader['prev'];
export type BatchSeen = NonNullable<BatchHeader['seen']>;
export type CopyHeader = z.infer<typeof copyHeader>;
export type Pulse = z.infer<typeof pulse>;
export type Report = z.infer<typeof report>;
export type Section = z.infer<typeof section>;
export type TickNotice = z.infer<typeof tickNotice>;
export type SequenceValue = z.infer<typeof sequenceValue>;
