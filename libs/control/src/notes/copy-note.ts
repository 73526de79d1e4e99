import type { Config } from '@millrace/config';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import { copyKey, copyNote, type CopyNote as Note } from '@millrace/wire';
import type { Candidate } from '../preflight/check-provider-tables.ts';
import { BusSide } from '../sides/bus-side.ts';

/** The table at the provider, as it was when the copy was requested. */
export interface TableSource {
  readonly description: TableDescription;
  readonly key: readonly string[];
}

/** What `add` on a subscriber's host finds. */
export interface CopyNote {
  readonly copy: number;
  readonly source: TableSource | undefined;
}

/**
 * Leaves the note of `add` or `resync` on the provider's side for the same verb on a subscriber's host that cannot reach the
 * provider. Makes the bucket when it is missing.
 */
async function leaveCopy(
  side: BusSide,
  { subscriber, table, copy, source }: { subscriber: string; table: TableName; copy: number; source: TableSource },
): Promise<void> {
  const { queue } = side;
  const note: Note = {
    v: 1,
    kind: 'copy-wish',
    queue,
    subscriber,
    table: { schema: table.schema, name: table.name },
    copy,
    source,
  };
  await side.leave(copyKey(subscriber, table), note);
}

/** Says which copy a subscriber whose database is out of reach has to wait for. */
export type NotifyRemoteSubscriber = (subscriber: string, candidate: Candidate, copy: number) => Promise<void>;

/** Leaves notes for remote subscribers and says what to type there. */
export function remoteNotifier(
  config: Config,
  note: (line: string) => void,
  verb: 'add' | 'resync',
): NotifyRemoteSubscriber {
  return async (subscriber, { table, description, key }, copy) => {
    const bus = await BusSide.open(config);
    const source = { description, key };
    if (bus !== undefined) await leaveCopy(bus, { subscriber, table, copy, source }).finally(() => bus.close());
    const command = `millrace ${verb} ${tableLabel(table)}${verb === 'resync' ? ' --yes' : ''}`;
    note(`${subscriber}: now run \`${command}\` where its database can be reached`);
  };
}

/** The copy that was requested; undefined when there is no note that fits. */
export async function findCopy(side: BusSide, subscriber: string, table: TableName): Promise<CopyNote | undefined> {
  const note = await side.note(copyKey(subscriber, table), copyNote);
  if (note?.queue !== side.queue || note.subscriber !== subscriber || !sameTable(note.table, table)) return undefined;
  return { copy: note.copy, source: note.source };
}
