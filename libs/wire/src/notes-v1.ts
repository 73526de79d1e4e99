import { z } from 'zod';
import { wireVersion } from './messages-v1.ts';

// Messages that the provider's host leaves in the bucket for a subscriber's host that cannot reach the provider. Each stands
// under its own key (bucket-keys.ts). They are hints: a note that is lost or refused only means that a step is not taken yet.

const text = z.string();
const list = <S extends z.ZodType>(item: S) => z.array(item).readonly();

/**
 * Where a subscriber begins, left by `install`. The provider keeps everything after that tick until the subscriber itself has
 * reported.
 */
export const startNote = z.strictObject({
  v: z.literal(wireVersion),
  kind: z.literal('start'),
  queue: text,
  subscriber: text,
  provider: z.string().regex(/^[0-9]{1,20}$/),
  tick: z.strictObject({
    tick: z.number().int().min(0),
    fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
    time: z.string().min(20).max(40),
  }),
});

/** A plain type inside a column's type: `path` empty for the column itself, `[]` elements, `.1` first field, `..` bounds. */
const typePart = z.object({
  path: text,
  type: text,
  mod: z.number().int(),
  labels: list(text).nullable(),
});

const column = z.object({
  name: text,
  type: text,
  parts: list(typePart),
  foldsCase: z.boolean(),
  collation: text.nullable().exactOptional(),
  notNull: z.boolean(),
  hasDefault: z.boolean(),
  generated: z.boolean(),
});

/**
 * The table at the provider when the copy was requested; the preflight on the subscriber's host compares its own table with
 * it. Not strict, unlike the other messages: fields that a newer release adds are passed over, so that hosts can be upgraded in
 * any order. What is optional was not sent by the first releases.
 */
const tableSource = z.strictObject({
  description: z.object({
    kind: text,
    partition: z.boolean(),
    columns: z.array(column).max(1600).readonly(),
    uniques: list(list(text)),
    primary: z.boolean(),
    extras: list(z.object({ columns: list(text.nullable()), drop: text })).exactOptional(),
    role: text.exactOptional(),
    missing: list(text),
    usage: z.boolean(),
  }),
  key: list(text),
});

/**
 * Which copy fills a table of a subscriber, left by `add` and `resync`. Capture begins a copy only when a subscriber says that
 * it waits for that very one.
 */
export const copyNote = z.strictObject({
  v: z.literal(wireVersion),
  kind: z.literal('copy-wish'),
  queue: text,
  subscriber: text,
  table: z.strictObject({ schema: text, name: text }),
  copy: z.number().int().min(0),
  source: tableSource.optional(),
});

export type StartNote = z.infer<typeof startNote>;
export type CopyNote = z.infer<typeof copyNote>;
