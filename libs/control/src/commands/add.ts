import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, type TableName } from '@millrace/model';
import { ownedSequences } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { subscriberOption } from '../command/options.ts';
import { remoteNotifier } from '../notes/copy-note.ts';
import { distinctTables } from '../preflight/named.ts';
import { refuseOn } from '../preflight/refusals.ts';
import { addHere } from '../set/add-here.ts';
import { addSequences, type SequenceWork } from '../set/add-sequences.ts';
import { carryOut } from '../set/carry-out.ts';
import { changeSet } from '../set/change-set.ts';
import type { SetPlan } from '../set/plan/plan.ts';
import { type AdditionRequest, planAddition } from '../set/plan/plan-addition.ts';
import { readAddition } from '../set/read-facts.ts';

export const add: Command = {
  name: 'add',
  summary: 'Add tables to the set and to the subscribers: their rows are copied, then their changes are replicated.',
  usage: 'TABLE… [--subscriber NAME…] [--all] [--no-copy] [--create]',
  example: 'millrace add entry shop.orders --create',
  more:
    'Names are as in SQL; schema `public` by default. Everything is checked before anything is changed. Repeating is safe.\n' +
    '--create makes columns, defaults, primary key, unique and check constraints, unique indexes and foreign keys to\n' +
    'tables that are there; not other indexes, triggers, rights. A partitioned table is made as a plain one.\n' +
    '--all also follows the sequences of serial and identity columns; otherwise sequences are added by add-seq.',
  options: {
    ...subscriberOption,
    all: {
      type: 'boolean',
      help: 'all tables of the provider that can be replicated; the others are skipped and named',
    },
    'no-copy': { type: 'boolean', help: 'the subscribers have the same rows already: replicate without a copy' },
    create: { type: 'boolean', help: 'create the table at a subscriber where it is missing' },
  },
  words: [0, Number.POSITIVE_INFINITY],
  effect: 'changes',
  api: { words: 'tables', result: z.strictObject({ added: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check,
  run: runAdd,
};

function check({ words, has }: Arguments): void {
  if (has('all') === words.length > 0) {
    throw new MillraceError(codes.USAGE, 'add: name tables, or use --all', {
      advice: `usage: millrace add ${add.usage}`,
    });
  }
  words.forEach(parseTableName);
}

async function runAdd(context: Context, args: Arguments): Promise<number> {
  const config = await context.config();
  if (config.provider === undefined) return addHere(context, config, args);
  // A table that was dropped and made again is in the set by name only.
  const options = { named: args.values('subscriber'), refreshTriggers: true, registeredOnly: true };
  return changeSet(config, options, async (sides) => {
    const { note } = context;
    const request = requestOf(args);
    const plan = planAddition(await readAddition(sides, request), request);
    for (const line of plan.notes) note(line);
    refuseOn(plan.refusals);
    const added = await carryOut({ ...sides, note, notifyRemoteSubscriber: remoteNotifier(config, note, 'add') }, plan);
    const detail = { tables: added, noCopy: request.noCopy };
    if (added.length > 0) for (const { side } of sides.targets) await side?.audit('add', detail);
    if (args.has('all')) await addOwnedSequences({ ...sides, note, skipMissing: true }, plan);
    context.result({ added, subscribers: sides.targets.map(({ name }) => name) }, '');
    return 0;
  });
}

async function addOwnedSequences(work: SequenceWork, { tables }: SetPlan): Promise<void> {
  const sequences: TableName[] = [];
  for (const { candidate } of tables)
    sequences.push(...(await work.provider.side.run((client) => ownedSequences(client, candidate.table))));
  await addSequences(work, sequences);
}

function requestOf(args: Arguments): AdditionRequest {
  const tables = args.has('all') ? undefined : distinctTables(args.words.map(parseTableName));
  return { tables, noCopy: args.has('no-copy'), create: args.has('create') };
}
