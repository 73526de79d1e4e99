import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { Arguments, Context } from '../command/command.ts';
import { findCopy } from '../notes/copy-note.ts';
import { BusSide } from '../sides/bus-side.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { closeTargets, openTargets, type Target } from './targets.ts';

/**
 * `resync` on a host that has a subscriber's database but no provider: the table waits here for the copy that `resync` on the
 * provider's side requested, and whose number it left on the bus.
 */
export async function resyncHere(
  context: Context,
  config: Config,
  { tables, args }: { tables: readonly TableName[]; args: Arguments },
): Promise<number> {
  const targets = await openTargets(config, chooseSubscribers(args.values('subscriber'), knownSubscribers(config)));
  const resynced = new Set<string>();
  try {
    for (const target of targets) {
      const wanted = args.has('all') ? target.tables : tables;
      for (const table of wanted) {
        const awaited = await waitAgain(config, target, table);
        if (awaited.changed) resynced.add(tableLabel(table));
        context.note(`${target.name}: ${awaited.text}`);
      }
    }
    context.result({ resynced: [...resynced], subscribers: targets.map(({ name }) => name) }, '');
    return 0;
  } finally {
    await closeTargets(targets);
  }
}

/** Waits for the newest copy that the provider's side requested. */
async function waitAgain(
  config: Config,
  { name, side, tables }: Target,
  table: TableName,
): Promise<{ changed: boolean; text: string }> {
  const label = tableLabel(table);
  const there = tables.find((t) => sameTable(t, table));
  if (there === undefined) throw new MillraceError(codes.NOT_FOUND, `${name} does not follow ${label}`);
  const bus = await BusSide.open(config);
  const note = bus === undefined ? undefined : await findCopy(bus, name, table).finally(() => bus.close());
  if (note === undefined || note.copy <= (there.copyId ?? 0)) {
    const text = `${label} was not copied again since; run \`millrace resync ${label} --yes\` on the provider's side, then here`;
    return { changed: false, text };
  }
  if (there.state !== 'registered') await side?.followAgain(table);
  await side?.expectCopy(table, note.copy);
  return { changed: true, text: `${label} waits for copy ${note.copy}` };
}
