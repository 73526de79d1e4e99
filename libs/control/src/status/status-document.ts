// The document of `status --json`, of GET /status and of the page.
import { z } from 'zod';
import { finding } from '../doctor/report.ts';

/** A fault as documents show it: a sentence for people, with what to do about it. */
const fault = z.strictObject({ code: z.string(), message: z.string() });

const size = z.strictObject({ messages: z.int(), bytes: z.int() });

const comparison = z
  .strictObject({
    state: z.enum(['equal', 'different', 'not-compared']),
    compared_at: z.string(),
    tick: z.int().nullable().describe('both sides as of this tick; null, as the numbers: not compared'),
    rows: z.int().nullable().describe('at the provider'),
    missing: z.int().nullable(),
    extra: z.int().nullable(),
    different: z.int().nullable(),
    reason: z.string().nullable().describe('why it was not compared'),
  })
  .describe('The last comparison of a table with the provider.');

const tableStatus = z
  .strictObject({
    name: z.string().describe('as in SQL: `public.entry`'),
    schema: z.string(),
    table: z.string(),
    state: z.string(),
    copied_rows: z.number(),
    copied_bytes: z.number(),
    copy_progress: z
      .number()
      .nullable()
      .describe("percent of the copy that is loaded, by the server's estimate; null: no copy is on its way"),
    total_rows: z.number().nullable().describe('of a copy on its way, by the statistics; null: not known'),
    total_bytes: z.number().nullable().describe('likewise'),
    rows_per_s: z.number().nullable().describe('of a copy on its way, over the last seconds'),
    eta_s: z.number().nullable().describe('seconds that the copy may still take'),
    error: z.string().nullable(),
    warning: z
      .string()
      .nullable()
      .describe('its changes are applied, and its rows may differ for a reason that is not in any change'),
    comparison: comparison
      .nullable()
      .describe('what `millrace compare` last found; null: never compared, or not known'),
    explain: z.string().describe('what the state means, and what a person can do'),
  })
  .describe('One table at one subscriber.');

export type TableStatus = z.infer<typeof tableStatus>;

const subscriberState = z.enum(['running', 'paused', 'stopped', 'unreachable']);

export type SubscriberState = z.infer<typeof subscriberState>;

const subscriberStatus = z.strictObject({
  name: z.string(),
  state: subscriberState,
  tick: z.int().nullable(),
  lag_ms: z.number().nullable().describe('age of the oldest change it lacks; 0: it lacks none'),
  lag_ticks: z.int().nullable(),
  error: fault.nullable(),
  applied_at: z.string().nullable(),
  reported_ms_ago: z.number().nullable().describe('since its replay last reported'),
  configured: z.boolean().describe("false: only the provider's record names it"),
  explain: z.string().describe('what the state means, and what a person can do'),
  tables: z.array(tableStatus),
  sequences: z.array(z.string()),
});

export type SubscriberStatus = z.infer<typeof subscriberStatus>;

const serviceStatus = z.strictObject({
  name: z.string(),
  state: z.enum(['running', 'stopped']),
  error: fault.nullable(),
});

export type ServiceStatus = z.infer<typeof serviceStatus>;

const providerStatus = z.strictObject({
  state: z.enum(['running', 'unreachable', 'not-configured']),
  tick: z.int().nullable(),
  tick_time: z.string().nullable(),
  new_events: z.int().nullable(),
  queue: z
    .strictObject({ events: z.int().nullable(), bytes: z.int(), oldest_tick: z.int().nullable() })
    .nullable()
    .describe('what the queue holds for the slowest subscriber'),
  services: z.array(serviceStatus),
  problems: z.array(z.strictObject({ table: z.string(), problem: z.string() })),
  error: fault.nullable(),
});

const busStatus = z.strictObject({
  state: z.enum(['running', 'unreachable', 'not-configured']),
  batches: size.nullable(),
  copies: size.nullable(),
  error: fault.nullable(),
});

export const statusDocument = z.strictObject({
  ok: z.boolean().describe('false: something is stopped or cannot be reached'),
  queue: z.string(),
  provider: providerStatus,
  bus: busStatus,
  subscribers: z.array(subscriberStatus),
  warnings: z.array(finding).describe('what the doctor finds among that which may change during operation'),
});

export type Status = z.infer<typeof statusDocument>;
