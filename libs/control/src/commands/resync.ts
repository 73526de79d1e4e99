import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, sameTable, type TableName, tableLabel } from '@millrace/model';
import type { ProviderOverview } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { type Candidate, checkProviderTable } from '../preflight/check-provider-table.ts';
import { checkSubscriberTable, missingFinding } from '../preflight/check-subscriber-table.ts';
import { type Finding, refuseOn } from '../preflight/findings.ts';
import { distinctTables, refuseUnregistered } from '../preflight/named.ts';
import { type AddWork, addTable, type Target } from '../set/add-tables.ts';
import { noteCopy } from '../set/copy-note.ts';
import { planResync, type Resync } from '../set/plan-resync.ts';
import { resyncHere } from '../set/resync-here.ts';
import { closeTargets, openTargets } from '../set/targets.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';

export const resync: Command = {
  name: 'resync',
  summary: 'Copy tables of the set again to their subscribers; rows that are equal are not touched.',
  usage: 'TABLE… [--all] [--subscriber NAME…] --yes',
  example: 'millrace resync entry --subscriber eu --yes',
  more:
    'Readers see the old rows until the new ones are in, never an empty or half table. Rows that only the subscriber has\n' +
    'are removed there, rows that differ are made as they are at the provider. The provider is read once for all that are\n' +
    'named. Until the copy is in, changes are kept and applied after it. A table whose copy is on its way is left alone.',
  options: {
    subscriber: { type: 'string', multiple: true, value: 'NAME', help: 'only at these subscribers; default: all' },
    all: { type: 'boolean', help: 'all tables of the set' },
  },
  words: [0, Number.POSITIVE_INFINITY],
  effect: 'changes',
  confirm: {
    warning: (args) =>
      `${args.has('all') ? 'all tables' : args.words.join(', ')} will be copied again: what was changed at the subscribers only is lost`,
    unattended: 'refuse',
  },
  api: { words: 'tables', result: z.strictObject({ resynced: z.array(z.string()), subscribers: z.array(z.string()) }) },
  check,
  run: runResync,
};

function check({ words, has }: Arguments): void {
  if (has('all') === words.length > 0) {
    throw new MillraceError(codes.USAGE, 'resync: name tables, or use --all', {
      advice: `usage: millrace resync ${resync.usage}`,
    });
  }
  words.forEach(parseTableName);
}

async function runResync(context: Context, args: Arguments): Promise<number> {
  const tables = distinctTables(args.words.map(parseTableName));
  const config = await context.config();
  if (config.provider === undefined) return resyncHere(context, config, { tables, args });
  const provider = await ProviderSide.open(config);
  let targets: Target[] = [];
  try {
    await provider.lockChanges();
    const overview = await provider.overview();
    const known = knownSubscribers(config, overview.subscribers);
    const names = chooseSubscribers(args.values('subscriber'), known);
    refuseUnregistered(names, overview);
    targets = await openTargets(config, names);
    const plans = await planTables({ provider, overview, targets }, { tables, all: args.has('all') });
    const tellFar = noteCopy(config, context.note, 'resync');
    const resynced: string[] = [];
    for (const plan of plans)
      if (await carryOut({ provider, note: context.note, tellFar }, plan)) resynced.push(plan.label);
    context.result({ resynced, subscribers: names }, '');
    return 0;
  } finally {
    await closeTargets(targets);
    await provider.close();
  }
}

interface Sides {
  readonly provider: ProviderSide;
  readonly overview: ProviderOverview;
  readonly targets: readonly Target[];
}

interface ResyncPlan {
  readonly label: string;
  readonly candidate: Candidate;
  readonly steps: readonly { readonly target: Target; readonly step: Resync; readonly openCopy: number | undefined }[];
}

/** Decides for every table and subscriber, or refuses. Nothing is changed. */
async function planTables(sides: Sides, wish: { tables: readonly TableName[]; all: boolean }): Promise<ResyncPlan[]> {
  const { provider, overview, targets } = sides;
  const findings: Finding[] = [];
  const plans: ResyncPlan[] = [];
  for (const table of wish.all ? overview.tables : wish.tables) {
    const label = tableLabel(table);
    if (!overview.tables.some((t) => sameTable(t, table))) {
      findings.push({
        code: codes.NOT_FOUND,
        text: `${label} is not in the set; \`millrace add ${label}\` puts it there`,
      });
      continue;
    }
    const candidate = await checkProviderTable(provider, overview, { schema: table.schema, name: table.name });
    if ('text' in candidate) {
      findings.push(candidate);
      continue;
    }
    const steps = targets.map((target) => stepFor(candidate, target, overview));
    for (const { target, step } of steps)
      findings.push(...(await findingsOf(candidate, { target, step, all: wish.all })));
    plans.push({ label, candidate, steps: steps.filter(({ step }) => step !== 'absent') });
  }
  refuseOn(findings);
  return plans;
}

function stepFor({ table }: Candidate, target: Target, overview: ProviderOverview): ResyncPlan['steps'][number] {
  const there = target.tables.find((t) => sameTable(t, table));
  const openCopy = overview.copies.find((c) => sameTable(c, table) && c.subscribers.includes(target.name))?.id;
  const step = planResync({
    state: there?.state,
    copyId: there?.copyId ?? undefined,
    error: there?.error ?? null,
    openCopy,
  });
  return { target, step, openCopy };
}

async function findingsOf(
  candidate: Candidate,
  { target, step, all }: { target: Target; step: Resync; all: boolean },
): Promise<Finding[]> {
  const label = tableLabel(candidate.table);
  if (step === 'absent') {
    const text = `${target.name} does not follow ${label}; \`millrace add ${label} --subscriber ${target.name}\` copies it there`;
    return all ? [] : [{ code: codes.NOT_FOUND, text }];
  }
  if (target.side === undefined) return [];
  const { missing, findings } = await checkSubscriberTable(target.side, candidate);
  return missing ? [missingFinding(target.side, candidate)] : findings;
}

/** True when a copy was asked for, or a subscriber told which one. */
async function carryOut(work: AddWork, { label, candidate, steps }: ResyncPlan): Promise<boolean> {
  const wanting = steps.filter(({ step }) => step !== 'nothing');
  for (const { target } of steps.filter(({ step }) => step === 'nothing'))
    work.note(`${label}: its copy for ${target.name} is on its way`);
  if (wanting.length === 0) return false;
  const additions = wanting.map(({ target, step, openCopy }) => ({
    target,
    addition: step as 'anew' | 'copy' | 'expect',
    openCopy: step === 'expect' ? openCopy : undefined,
  }));
  await addTable(work, { candidate, additions });
  work.note(`${label}: copied again for ${wanting.map(({ target }) => target.name).join(', ')}`);
  return true;
}
