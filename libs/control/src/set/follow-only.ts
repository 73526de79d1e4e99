import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { TableDescription } from '@millrace/postgres';
import type { Arguments, Context } from '../command/command.ts';
import { compareTables, type Reason, refusals } from '../preflight/compare-tables.ts';
import { type Finding, refuseOn } from '../preflight/findings.ts';
import { describeTable, where } from '../preflight/table-description.ts';
import { BusSide } from '../sides/bus-side.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import type { Target } from './add-tables.ts';
import { type CopyNote, findCopy } from './copy-note.ts';
import { closeTargets, openTargets } from './targets.ts';

/**
 * `add` on a host that has a subscriber's database but no provider: the table waits here for the copy that `add` on the
 * provider's side asked for, and whose number it left on the bus.
 */
export async function followOnly(
  context: Context,
  config: Config,
  { tables, args }: { tables: readonly TableName[]; args: Arguments },
): Promise<number> {
  for (const option of ['all', 'create']) {
    if (args.has(option))
      throw new MillraceError(codes.CONFIG, `--${option} needs the provider, which ${config.file} does not name`);
  }
  const targets = await openTargets(config, chooseSubscribers(args.values('subscriber'), knownSubscribers(config)));
  try {
    const sides = targets.flatMap(({ side }) => (side === undefined ? [] : [side]));
    const findings: Finding[] = [];
    for (const side of sides) {
      for (const table of tables) {
        const there = await side.side.asked(() => describeTable(side.side.client, table));
        const missing = { text: 'does not exist there', fix: null };
        const reasons = there === undefined ? [missing] : await unfit(config, side.name, there, table);
        for (const { text, fix } of reasons) {
          findings.push({ code: codes.SUBSCRIBER_SCHEMA, text: `${where(side.name, table)} ${text}`, fix });
        }
      }
    }
    refuseOn(findings);
    const noCopy = args.has('no-copy');
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

/** Why the table cannot take the provider's rows, as far as the provider's side told what they are. */
async function unfit(config: Config, name: string, there: TableDescription, table: TableName): Promise<Reason[]> {
  const source = (await copyOf(config, name, table).catch(() => undefined))?.source;
  if (source === undefined) return [];
  return refusals(compareTables({ table, provider: source.description, subscriber: there, key: source.key }));
}

/** Follows one table; says what it came to. */
async function followOne(
  config: Config,
  { name, side, tables }: Target,
  { table, noCopy }: { table: TableName; noCopy: boolean },
): Promise<string> {
  const label = tableLabel(table);
  const state = tables.find((t) => sameTable(t, table))?.state;
  if (state === 'held') await side?.followAnew(table);
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
