// Which subscribers are fresh enough to be read from: what a load balancer wants to know.
import { parseTableName, type TableName } from '@millrace/model';
import { z } from 'zod';
import type { Status, SubscriberStatus } from './status-document.ts';

/** What a reader demands of a replica. */
export interface Wanted {
  /** Milliseconds; undefined: the lag is not judged. */
  readonly maxLagMs: number | undefined;
  /** Tables that must be complete; undefined: all that the subscriber follows. */
  readonly tables: readonly TableName[] | undefined;
}

export const replica = z.strictObject({
  name: z.string(),
  fresh: z.boolean().describe('true: it may be read from'),
  state: z.string().describe('as in status'),
  tick: z.int().nullable(),
  lag_ms: z.number().nullable().describe('age of the oldest change it lacks; 0: it lacks none; null: not known'),
  lag_ticks: z.int().nullable(),
  looked_ms_ago: z.number().describe('so old is this answer; counted as lag'),
  reasons: z.array(z.string()).describe('why it is not fresh'),
});

export type Replica = z.infer<typeof replica>;

/** What a request demands, from its checked query. Throws USAGE for what is not a table's name. */
export function wantedOf(input: { readonly max_lag_ms?: unknown; readonly tables?: unknown }): Wanted {
  const tables = input.tables as string[] | undefined;
  return { maxLagMs: input.max_lag_ms as number | undefined, tables: tables?.map(parseTableName) };
}

/** How old an answer may be: half of the lag that is demanded, within bounds that spare the databases. */
export function maxAgeMs({ maxLagMs }: Wanted): number {
  return Math.min(1_000, Math.max(100, (maxLagMs ?? 2_000) / 2));
}

/** Judges one subscriber by what was read `ageMs` ago. */
export function replicaOf(status: Status, one: SubscriberStatus, wanted: Wanted, ageMs: number): Replica {
  const known = status.provider.state === 'running';
  const lagMs = known ? one.lag_ms : null;
  const reasons = [
    ...(one.state === 'running' ? [] : [`it is ${one.state}${one.error === null ? '' : `: ${one.error.message}`}`]),
    ...(wanted.maxLagMs === undefined ? [] : lagReasons(lagMs, wanted.maxLagMs, ageMs)),
    ...tableReasons(one, wanted.tables),
  ];
  const { name, state, tick, lag_ticks } = one;
  const rounded = { lag_ms: lagMs, lag_ticks: known ? lag_ticks : null, looked_ms_ago: Math.round(ageMs) };
  return { name, fresh: reasons.length === 0, state, tick, ...rounded, reasons };
}

function lagReasons(lagMs: number | null, maxLagMs: number, ageMs: number): string[] {
  if (lagMs === null) return ['its lag is not known: the provider or the subscriber cannot be queried'];
  return lagMs + ageMs > maxLagMs ? [`it lacks changes of ${Math.round(lagMs + ageMs)} ms ago`] : [];
}

function tableReasons({ tables }: SubscriberStatus, wanted: Wanted['tables']): string[] {
  const found = tables.filter(
    (t) => wanted === undefined || wanted.some(({ schema, name }) => schema === t.schema && name === t.table),
  );
  const missing = (wanted ?? []).filter(
    ({ schema, name }) => !tables.some((t) => schema === t.schema && name === t.table),
  );
  return [
    ...found.filter((t) => t.state !== 'ok').map((t) => `${t.name} is ${t.state}`),
    ...missing.map(({ schema, name }) => `${schema}.${name} is not replicated there`),
    ...(tables.length === 0 ? ['it follows no table'] : []),
  ];
}
