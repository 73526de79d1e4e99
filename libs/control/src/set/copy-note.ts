import { ensureBucket, getKey, putKey } from '@millrace/bus';
import type { Config } from '@millrace/config';
import { busToken, type TableName, tableKey, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { bucketName } from '@millrace/wire';
import { z } from 'zod';
import { BusSide } from '../sides/bus-side.ts';
import type { AddWork } from './add-tables.ts';

/**
 * Which copy fills a table of a subscriber, left on the bus by `add` on the provider's side for `add` on a subscriber's
 * host that cannot reach the provider. Capture begins a copy only when a subscriber says that it waits for that very
 * one, so a lost note only means that nothing begins.
 */
const copyNote = z.strictObject({
  v: z.literal(1),
  kind: z.literal('copy-wish'),
  queue: z.string(),
  subscriber: z.string(),
  table: z.strictObject({ schema: z.string(), name: z.string() }),
  copy: z.number().int().min(0),
  // What the preflight on the subscriber's host compares its table with; of our own making, hence not taken apart here.
  source: z.custom<TableSource>((value) => typeof value === 'object' && value !== null).optional(),
});

/** The table at the provider, as it was when the copy was asked for. */
export interface TableSource {
  readonly description: TableDescription;
  readonly key: readonly string[];
}

/** What `add` on a subscriber's host finds. */
export interface CopyNote {
  readonly copy: number;
  readonly source: TableSource | undefined;
}

const keyOf = (subscriber: string, table: TableName): string =>
  `copy/${busToken(subscriber)}/${busToken(tableKey(table))}`;

/** Leaves the note. Makes the bucket when it is missing. */
async function leaveCopy(
  { bus, queue }: BusSide,
  { subscriber, table, copy, source }: { subscriber: string; table: TableName; copy: number; source: TableSource },
): Promise<void> {
  const bucket = { bucket: bucketName(queue) };
  await ensureBucket(bus, bucket);
  const note: z.infer<typeof copyNote> = {
    v: 1,
    kind: 'copy-wish',
    queue,
    subscriber,
    table: { schema: table.schema, name: table.name },
    copy,
    source,
  };
  await putKey(bus, bucket, { key: keyOf(subscriber, table), value: JSON.stringify(note) });
}

/** Leaves notes for far subscribers and tells the person what to type there. */
export function noteCopy(config: Config, note: (line: string) => void, verb: 'add' | 'resync'): AddWork['tellFar'] {
  return async (subscriber, { table, description, key }, copy) => {
    const bus = await BusSide.open(config);
    const source = { description, key };
    if (bus !== undefined) await leaveCopy(bus, { subscriber, table, copy, source }).finally(() => bus.close());
    const command = `millrace ${verb} ${tableLabel(table)}${verb === 'resync' ? ' --yes' : ''}`;
    note(`${subscriber}: now run \`${command}\` where its database can be reached`);
  };
}

/** The copy that was asked for; undefined when there is no note that fits. */
export async function findCopy(
  { bus, queue }: BusSide,
  subscriber: string,
  table: TableName,
): Promise<CopyNote | undefined> {
  const value = await getKey(bus, bucketName(queue), keyOf(subscriber, table));
  if (value === undefined) return undefined;
  try {
    const note = copyNote.parse(JSON.parse(value.toString('utf8')));
    const fits = note.queue === queue && note.subscriber === subscriber && tableKey(note.table) === tableKey(table);
    return fits ? { copy: note.copy, source: note.source } : undefined;
  } catch {
    return undefined;
  }
}
