import { codes } from '@millrace/errors';
import { sameTable, tableLabel, type TableName } from '@millrace/model';
import type { Candidate } from './preflight/check-provider-table.ts';
import { refuseOn, type Finding } from './preflight/findings.ts';
import { type Addition, needsCopy, planAddition } from './plan-addition.ts';
import { retryBusy } from './retry-busy.ts';
import type { ProviderOverview, SubscribedTable } from './sides/overviews.ts';
import type { ProviderSide } from './sides/provider-side.ts';
import type { SubscriberSide } from './sides/subscriber-side.ts';

/** A subscriber whose tables we know; without `side` its database cannot be reached from here. */
export interface Target {
  readonly name: string;
  readonly tables: readonly Pick<SubscribedTable, 'schema' | 'name' | 'state'>[];
  readonly side: SubscriberSide | undefined;
}

/** What `add` decided for one table. */
export interface TablePlan {
  readonly candidate: Candidate;
  readonly additions: readonly { readonly target: Target; readonly addition: Addition; readonly openCopy: number | undefined }[];
}

/** Decides for every table and subscriber, or refuses. Nothing is changed. */
export function planTables(
  candidates: readonly Candidate[],
  targets: readonly Target[],
  { overview, noCopy }: { overview: ProviderOverview; noCopy: boolean },
): TablePlan[] {
  const plans = candidates.map((candidate) => ({
    candidate,
    additions: targets.map((target) => planOne(candidate, target, { overview, noCopy })),
  }));
  refuseOn(plans.flatMap(refusals));
  return plans;
}

function planOne(
  { table, inSet }: Candidate,
  target: Target,
  { overview, noCopy }: { overview: ProviderOverview; noCopy: boolean },
): TablePlan['additions'][number] {
  const state = target.tables.find((t) => sameTable(t, table))?.state;
  const open = overview.copies.find((c) => sameTable(c, table) && c.subscribers.includes(target.name))?.id;
  return { target, openCopy: open, addition: planAddition({ state, inSet, openCopy: open, noCopy }) };
}

function refusals({ candidate, additions }: TablePlan): Finding[] {
  const label = tableLabel(candidate.table);
  return additions.flatMap(({ target, addition }): Finding[] => {
    if (addition === 'refuse') {
      const text = `${target.name}: ${label} is waiting for its copy; remove it there first, then add it with --no-copy`;
      return [{ code: codes.USAGE, text }];
    }
    if (target.side === undefined && addition !== 'copy' && addition !== 'expect' && addition !== 'nothing') {
      const text = `${target.name}: no url for it here; run \`millrace add ${label}\` where its database can be reached first`;
      return [{ code: codes.CONFIG, text }];
    }
    return [];
  });
}

/**
 * Carries out one table's plan. The order makes every step repeatable after a crash and loses no change: first the
 * subscribers follow the table, then the provider captures it, then the copy, whose tick is younger than both, is asked for.
 */
export async function addTable(provider: ProviderSide, plan: TablePlan, note: (line: string) => void): Promise<boolean> {
  const { table, inSet, repair } = plan.candidate;
  const label = tableLabel(table);
  for (const { target, addition } of plan.additions) {
    if (target.side !== undefined) await follow(target.side, table, { addition, note });
  }
  if (!inSet || repair) await retryBusy(`${label} at the provider`, note, () => provider.addTable(table));
  const wanting = plan.additions.filter(({ addition }) => needsCopy(addition));
  const copyId = await askForCopy(provider, table, wanting.map(({ target }) => target.name));
  for (const { target, addition, openCopy } of plan.additions) {
    const expected = addition === 'expect' ? openCopy : needsCopy(addition) ? copyId : undefined;
    if (expected !== undefined) await target.side?.expectCopy(table, expected);
  }
  return !inSet || repair || plan.additions.some(({ addition }) => addition !== 'nothing' && addition !== 'expect');
}

async function follow(
  side: SubscriberSide,
  table: TableName,
  { addition, note }: { addition: Addition; note: (line: string) => void },
): Promise<void> {
  const what = `${tableLabel(table)} at subscriber ${side.name}`;
  if (addition === 'follow') await side.followTable(table, 'registered');
  if (addition === 'follow-ok') await side.followTable(table, 'ok');
  if (addition === 'anew') await retryBusy(what, note, () => side.followAnew(table));
}

async function askForCopy(provider: ProviderSide, table: TableName, names: readonly string[]): Promise<number | undefined> {
  if (names.length === 0) return undefined;
  await provider.cancelCopies(table, names);
  return provider.requestCopy(table, names);
}
