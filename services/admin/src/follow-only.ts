import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, tableLabel, type TableName } from '@millrace/model';
import { chooseSubscribers, knownSubscribers } from './choose-subscribers.ts';
import type { Arguments, Context } from './command.ts';
import { type Finding, refuseOn } from './preflight/findings.ts';
import { describeTable, where } from './preflight/table-description.ts';
import { closeTargets, openTargets } from './targets.ts';

/**
 * `add` on a host that has a subscriber's database but no provider: the table waits here for its copy, which `add` on
 * the provider's side then asks for.
 */
export async function followOnly(
  context: Context,
  config: Config,
  { tables, args }: { tables: readonly TableName[]; args: Arguments },
): Promise<number> {
  for (const option of ['all', 'create']) {
    if (args.has(option)) throw new MillraceError(codes.CONFIG, `--${option} needs the provider, which ${config.file} does not name`);
  }
  const targets = await openTargets(config, chooseSubscribers(args.values('subscriber'), knownSubscribers(config)));
  try {
    const sides = targets.flatMap(({ side }) => (side === undefined ? [] : [side]));
    const findings: Finding[] = [];
    for (const side of sides) {
      for (const table of tables) {
        const there = await side.side.asked(() => describeTable(side.side.client, table));
        const text = `${where(side.name, table)} does not exist there`;
        if (there === undefined) findings.push({ code: codes.SUBSCRIBER_SCHEMA, text });
      }
    }
    refuseOn(findings);
    for (const { name, side, tables: followed } of targets) {
      for (const table of tables) {
        const state = followed.find((t) => sameTable(t, table))?.state;
        if (state === 'held') await side?.followAnew(table);
        else await side?.followTable(table, args.has('no-copy') ? 'ok' : 'registered');
        context.note(`${name}: ${tableLabel(table)} follows; now run \`millrace add ${tableLabel(table)}\` on the provider's side`);
      }
      await side?.audit('add', { tables: tables.map(tableLabel) });
    }
    context.result({ added: tables.map(tableLabel), subscribers: targets.map(({ name }) => name) }, '');
    return 0;
  } finally {
    await closeTargets(targets);
  }
}
