import type { Config } from '@millrace/config';
import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, type TableName, tableLabel } from '@millrace/model';
import { ownedSequences, type ProviderOverview, userTables } from '@millrace/provider';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { examineAddition } from '../doctor/examine-addition.ts';
import { findingLine } from '../doctor/report.ts';
import { type Candidate, checkProviderTable } from '../preflight/check-provider-table.ts';
import { checkSubscriberTable, missingFinding } from '../preflight/check-subscriber-table.ts';
import { type Finding, refuseOn } from '../preflight/findings.ts';
import { distinctTables, refuseUnregistered } from '../preflight/named.ts';
import { addSequences } from '../set/add-sequences.ts';
import { addTable, planOne, planTables, type TablePlan, type Target } from '../set/add-tables.ts';
import { noteCopy } from '../set/copy-note.ts';
import { addForeignKeys, createTable } from '../set/create-table.ts';
import { followOnly } from '../set/follow-only.ts';
import { closeTargets, openTargets } from '../set/targets.ts';
import { chooseSubscribers, knownSubscribers } from '../sides/choose-subscribers.ts';
import { ProviderSide } from '../sides/provider-side.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';

export const add: Command = {
  name: 'add',
  summary: 'Put tables into the set and onto the subscribers; their rows are copied, then followed.',
  usage: 'TABLE… [--subscriber NAME…] [--all] [--no-copy] [--create]',
  example: 'millrace add entry shop.orders --create',
  more:
    'Names are as in SQL; `public` when bare. Everything is checked before anything is changed. Repeating is safe.\n' +
    '--create makes columns, defaults, primary key, unique and check constraints, unique indexes and foreign keys to\n' +
    'tables that are there; not other indexes, triggers, rights. A partitioned table is made as a plain one.\n' +
    '--all also follows the sequences of serial and identity columns; otherwise sequences are added by add-seq.',
  options: {
    subscriber: { type: 'string', multiple: true, value: 'NAME', help: 'only onto these subscribers; default: all' },
    all: { type: 'boolean', help: 'all tables of the provider that can be replicated; others are skipped and told' },
    'no-copy': { type: 'boolean', help: 'the subscribers have the same rows already: follow at once' },
    create: { type: 'boolean', help: 'make the table at a subscriber where it is missing' },
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
  const tables = args.words.map(parseTableName);
  const config = await context.config();
  if (config.provider === undefined) return followOnly(context, config, { tables, args });
  const provider = await ProviderSide.open(config);
  try {
    await provider.lockChanges();
    // A table that was dropped and made anew is in the set by name only.
    await provider.lookAfterTriggers();
    const overview = await provider.overview();
    const names = chooseSubscribers(args.values('subscriber'), knownSubscribers(config, overview.subscribers));
    refuseUnregistered(names, overview);
    return await addAt(context, { config, provider, overview, names, tables, args });
  } finally {
    await provider.close();
  }
}

interface Work {
  readonly config: Config;
  readonly provider: ProviderSide;
  readonly overview: ProviderOverview;
  readonly names: readonly string[];
  readonly tables: readonly TableName[];
  readonly args: Arguments;
}

async function addAt(context: Context, work: Work): Promise<number> {
  const { config, provider, overview, names, args } = work;
  const targets = await openTargets(config, names);
  try {
    const candidates = await findCandidates(context, work);
    const asked = { overview, noCopy: args.has('no-copy') };
    const isDone = (target: Target, candidate: Candidate) =>
      planOne(candidate, target, asked).addition === 'nothing' && candidate.inSet && !candidate.repair;
    const missing = await checkTargets(context, { candidates, targets, create: args.has('create'), isDone });
    const isMissing = (target: Target, candidate: Candidate) =>
      missing.some((one) => one.side === target.side && one.candidate === candidate);
    const plans = planTables(candidates, targets, { ...asked, isMissing });
    await createMissing(context, provider, missing);
    await carryOut(context, work, { plans, targets });
    return 0;
  } finally {
    await closeTargets(targets);
  }
}

async function carryOut(
  context: Context,
  { config, provider, args }: Work,
  { plans, targets }: { plans: readonly TablePlan[]; targets: readonly Target[] },
): Promise<void> {
  const onto = targets.map(({ name }) => name);
  const added: string[] = [];
  const tellFar = noteCopy(config, context.note, 'add');
  for (const plan of plans) {
    const label = tableLabel(plan.candidate.table);
    const changed = await addTable({ provider, note: context.note, tellFar }, plan);
    if (changed) added.push(label);
    context.note(changed ? addedLine(label, onto) : `${label}: nothing to do`);
  }
  if (added.length > 0) await noteAtSubscribers(targets, { tables: added, noCopy: args.has('no-copy') });
  if (args.has('all')) {
    const sequences: TableName[] = [];
    for (const { candidate } of plans)
      sequences.push(...(await provider.side.asked((client) => ownedSequences(client, candidate.table))));
    await addSequences({ provider, targets, note: context.note, skipMissing: true }, sequences);
  }
  context.result({ added, subscribers: onto }, '');
}

function addedLine(label: string, onto: readonly string[]): string {
  return onto.length === 0
    ? `${label}: in the set; there is no subscriber yet`
    : `${label}: added for ${onto.join(', ')}`;
}

async function findCandidates(context: Context, { provider, overview, tables, args }: Work): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  const findings: Finding[] = [];
  for (const table of args.has('all') ? await provider.side.asked(userTables) : distinctTables(tables)) {
    const checked = await checkProviderTable(provider, overview, table);
    if ('text' in checked) findings.push(checked);
    else candidates.push(checked);
  }
  if (args.has('all')) for (const { text } of findings) context.note(`skipped: ${text}`);
  else refuseOn(findings);
  return candidates;
}

type Missing = { readonly side: SubscriberSide; readonly candidate: Candidate };

async function checkTargets(
  context: Context,
  {
    candidates,
    targets,
    create,
    isDone,
  }: {
    candidates: readonly Candidate[];
    targets: readonly Target[];
    create: boolean;
    /** Nothing is to be done there: only whether the table is there still matters. */
    isDone: (target: Target, candidate: Candidate) => boolean;
  },
): Promise<Missing[]> {
  const findings: Finding[] = [];
  const missing: Missing[] = [];
  const warnings: string[] = [];
  for (const target of targets) {
    const { side, tables: followed } = target;
    if (side === undefined) continue;
    const tables = candidates.filter((candidate) => !isDone(target, candidate)).map(({ table }) => table);
    for (const found of tables.length === 0 ? [] : await examineAddition(side, { tables, followed })) {
      const { level, object, message, fix } = found;
      if (level === 'warning') warnings.push(findingLine(found));
      else findings.push({ code: codes.SUBSCRIBER_SCHEMA, text: `${side.name}: ${object} ${message}`, fix });
    }
    for (const candidate of candidates) {
      const checked = await checkSubscriberTable(side, candidate);
      if (isDone(target, candidate) && !checked.missing) continue;
      findings.push(...checked.findings);
      warnings.push(...checked.warnings.map(({ text, fix }) => `warning: ${text}; fix: ${fix}`));
      if (!checked.missing) continue;
      if (create) missing.push({ side, candidate });
      else findings.push(missingFinding(side, candidate));
    }
  }
  refuseOn(findings);
  for (const line of warnings) context.note(line);
  return missing;
}

async function createMissing(context: Context, provider: ProviderSide, missing: readonly Missing[]): Promise<void> {
  const later = new Map<SubscriberSide, string[]>();
  for (const { side, candidate } of missing) {
    const keys = await createTable(provider, side, candidate.table);
    later.set(side, [...(later.get(side) ?? []), ...keys]);
    const kind = candidate.description.kind === 'p' ? ' (as a plain table: it is partitioned at the provider)' : '';
    context.note(`${side.name}: made ${tableLabel(candidate.table)}${kind}`);
  }
  for (const [side, statements] of later) await addForeignKeys(side, statements, context.note);
}

async function noteAtSubscribers(targets: readonly Target[], detail: Record<string, unknown>): Promise<void> {
  for (const { side } of targets) await side?.audit('add', detail);
}
