import { codes } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import type { ProviderOverview } from '@millrace/provider';
import type { TableOverview } from '@millrace/subscriber';
import type { Candidate } from '../preflight/check-provider-table.ts';
import { type Finding, refuseOn } from '../preflight/findings.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import { type Addition, needsCopy, planAddition } from './plan-addition.ts';

/** A subscriber whose tables we know; without `side` its database cannot be reached from here. */
export interface Target {
  readonly name: string;
  readonly tables: readonly Pick<TableOverview, 'schema' | 'name' | 'state' | 'copyId' | 'error'>[];
  readonly side: SubscriberSide | undefined;
}

/** What `add` decided for one table. */
export interface TablePlan {
  readonly candidate: Candidate;
  readonly additions: readonly {
    readonly target: Target;
    readonly addition: Addition;
    readonly openCopy: number | undefined;
  }[];
}

interface Asked {
  readonly overview: ProviderOverview;
  /** The person promises that the rows are equal. */
  readonly noCopy: boolean;
  /** The table is not at the subscriber and will be made there. */
  readonly isMissing?: (target: Target, candidate: Candidate) => boolean;
}

/** Decides for every table and subscriber, or refuses. Nothing is changed. */
export function planTables(candidates: readonly Candidate[], targets: readonly Target[], asked: Asked): TablePlan[] {
  const plans = candidates.map((candidate) => ({
    candidate,
    additions: targets.map((target) => planOne(candidate, target, asked)),
  }));
  refuseOn(plans.flatMap(refusals));
  return plans;
}

/** What is to be done with one table at one subscriber. */
export function planOne(candidate: Candidate, target: Target, asked: Asked): TablePlan['additions'][number] {
  const { table, inSet, repair } = candidate;
  const { overview, noCopy, isMissing } = asked;
  const state = target.tables.find((t) => sameTable(t, table))?.state;
  const open = overview.copies.find((c) => sameTable(c, table) && c.subscribers.includes(target.name))?.id;
  // A table that was dropped there and is made anew has no rows, whatever its state says.
  const broken = repair || isMissing?.(target, candidate) === true;
  return { target, openCopy: open, addition: planAddition({ state, inSet, broken, openCopy: open, noCopy }) };
}

function refusals({ candidate, additions }: TablePlan): Finding[] {
  const label = tableLabel(candidate.table);
  return additions.flatMap(({ target, addition }): Finding[] => {
    if (addition === 'refuse') {
      const text = `${target.name}: ${label} is waiting for its copy; remove it there first, then add it with --no-copy`;
      return [{ code: codes.USAGE, text }];
    }
    if (target.side === undefined && addition === 'anew') {
      const text = `${target.name}: ${label} needs a new copy there, and its database has no url here; remove it on its host first`;
      return [{ code: codes.CONFIG, text }];
    }
    return [];
  });
}

/** What carrying out needs beside the plan. */
export interface AddWork {
  readonly provider: ProviderSide;
  readonly note: (line: string) => void;
  /** Tells a subscriber whose database is out of reach which copy it is to wait for. */
  readonly tellFar: (subscriber: string, candidate: Candidate, copy: number) => Promise<void>;
}

/**
 * Carries out one table's plan. The order makes every step repeatable after a crash and loses no change: first the
 * subscribers follow the table, then the provider captures it, then the copy, whose tick is younger than both, is asked
 * for. Resolves to true when anything was changed.
 */
export async function addTable(work: AddWork, plan: TablePlan): Promise<boolean> {
  const { provider, note } = work;
  const { table, inSet, repair } = plan.candidate;
  const label = tableLabel(table);
  for (const { target, addition } of plan.additions) {
    if (target.side !== undefined) await follow(target.side, table, { addition, note });
  }
  if (!inSet || repair) await retryBusy(`${label} at the provider`, note, () => provider.addTable(table));
  await askForCopies(work, plan);
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

/** One copy for all whose databases are here; those far away may come late, so each gets its own. */
async function askForCopies({ provider, tellFar }: AddWork, { candidate, additions }: TablePlan): Promise<void> {
  const { table } = candidate;
  const wanting = additions.filter(({ addition }) => needsCopy(addition));
  const names = wanting.map(({ target }) => target.name);
  if (names.length > 0) await provider.cancelCopies(table, names);
  const near = wanting.flatMap(({ target }) => (target.side === undefined ? [] : [target.name]));
  const shared = near.length === 0 ? undefined : await provider.requestCopy(table, near);
  for (const { target, addition, openCopy } of additions) {
    if (addition !== 'expect' && !needsCopy(addition)) continue;
    if (target.side !== undefined) {
      const copy = addition === 'expect' ? openCopy : shared;
      if (copy !== undefined) await target.side.expectCopy(table, copy);
    } else await tellFar(target.name, candidate, openCopy ?? (await provider.requestCopy(table, [target.name])));
  }
}
