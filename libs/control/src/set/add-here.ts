import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import type { Arguments, Context } from '../command/command.ts';
import { type CopyNote, findCopy } from '../notes/copy-note.ts';
import { type Refusal, refuseOn } from '../preflight/refusals.ts';
import { tableDescriptions, where } from '../preflight/table-description.ts';
import { blocking, type Mismatch, mismatchesOf } from '../preflight/table-mismatches.ts';
import { BusSide } from '../sides/bus-side.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { closeTargets, openTargets, type Target } from './targets.ts';

/**
 * `add` on a host that has a subscriber's database but no provider: the table waits here for the copy that `add` on the
 * provider's side requested, and whose number it left on the bus.
 */
export async function addHere(context: Context, config: Config, args: Arguments): Promise<number> {
  for (const option of ['all', 'create']) {
    if (args.has(option))
      throw new MillraceError(codes.CONFIG, `--${option} needs the provider, which ${config.file} does not name`);
  }
  const tables = args.words.map(parseTableName);
  const noCopy = args.has('no-copy');
  const targets = await openTargets(config, chooseSubscribers(args.values('subscriber'), knownSubscribers(config)));
  try {
    const refusals: Refusal[] = [];
    for (const target of targets) refusals.push(...(await refusalsAt(config, target, tables)));
    refuseOn(refusals);
    for (const target of targets) {
      for (const table of tables) context.note(`${target.name}: ${await followOne(config, target, { table, noCopy })}`);
      await target.side?.audit('add', { tables: tables.map(tableLabel) });
    }
    context.result({ added: tables.map(tableLabel), subscribers: targets.map(({ name }) => name) }, '');
    return 0;
  } finally {
    await closeTargets(targets);
  }
}

async function refusalsAt(config: Config, { name, side }: Target, tables: readonly TableName[]): Promise<Refusal[]> {
  if (side === undefined) return [];
  const described = await side.side.run((client) => tableDescriptions(client, tables));
  const refusals: Refusal[] = [];
  for (const table of tables) {
    const there = described.get(tableKey(table));
    const missing = { text: 'does not exist there', fix: null };
    const reasons = there === undefined ? [missing] : await mismatchesAt(config, name, { table, there });
    for (const { text, fix } of reasons) {
      refusals.push({ code: codes.SUBSCRIBER_SCHEMA, text: `${where(name, table)} ${text}`, fix });
    }
  }
  return refusals;
}

/** Why the table cannot take the provider's rows, as far as the provider's side has described them on the bus. */
async function mismatchesAt(
  config: Config,
  name: string,
  { table, there }: { table: TableName; there: TableDescription },
): Promise<Mismatch[]> {
  const source = (await copyOf(config, name, table).catch(() => undefined))?.source;
  if (source === undefined) return [];
  return blocking(mismatchesOf({ table, provider: source.description, subscriber: there, key: source.key }));
}

/** Follows one table; resolves to the line about it. */
async function followOne(
  config: Config,
  { name, side, tables }: Target,
  { table, noCopy }: { table: TableName; noCopy: boolean },
): Promise<string> {
  const label = tableLabel(table);
  const state = tables.find((t) => sameTable(t, table))?.state;
  if (state === 'held') await side?.followAgain(table);
  else await side?.followTable(table, noCopy ? 'ok' : 'registered');
  if (noCopy || state === 'ok' || state === 'catching-up') return `${label} is followed`;
  const copy = await copyOf(config, name, table);
  if (copy === undefined)
    return `${label} waits for a copy; run \`millrace add ${label}\` on the provider's side, then here again`;
  await side?.expectCopy(table, copy.copy);
  return `${label} waits for copy ${copy.copy}`;
}

async function copyOf(config: Config, name: string, table: TableName): Promise<CopyNote | undefined> {
  const bus = await BusSide.open(config);
  return bus === undefined ? undefined : findCopy(bus, name, table).finally(() => bus.close());
}
