import { type TableName, tableLabel } from '@millrace/model';
import type { NotifyRemoteSubscriber } from '../notes/copy-note.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import { addForeignKeys, createTable } from './create-table.ts';
import type { MissingTable, SetPlan, TablePlan } from './plan/plan.ts';
import { needsCopy, type Step } from './plan/steps.ts';
import type { Target } from './targets.ts';

/** What carrying out needs beside the plan. */
export interface SetWork {
  readonly provider: ProviderSide;
  readonly targets: readonly Target[];
  readonly note: (line: string) => void;
  readonly notifyRemoteSubscriber: NotifyRemoteSubscriber;
}

/** Carries a plan out, table by table. Resolves to the labels of those that were changed. */
export async function carryOut(work: SetWork, { missing, tables }: SetPlan): Promise<string[]> {
  await createMissing(work, missing);
  const changed: string[] = [];
  for (const plan of tables) {
    for (const line of plan.before) work.note(line);
    await carryOutTable(work, plan);
    if (plan.isChanged) changed.push(tableLabel(plan.candidate.table));
    for (const line of plan.after) work.note(line);
  }
  return changed;
}

async function createMissing({ provider, targets, note }: SetWork, missing: readonly MissingTable[]): Promise<void> {
  const later = new Map<SubscriberSide, string[]>();
  for (const { subscriber, candidate } of missing) {
    const side = sideOf(targets, subscriber);
    if (side === undefined) continue;
    const keys = await createTable(provider, side, candidate.table);
    later.set(side, [...(later.get(side) ?? []), ...keys]);
    const kind = candidate.description.kind === 'p' ? ' (as a plain table: it is partitioned at the provider)' : '';
    note(`${subscriber}: made ${tableLabel(candidate.table)}${kind}`);
  }
  for (const [side, statements] of later) await addForeignKeys(side, statements, note);
}

/**
 * The order makes every step repeatable after a crash and loses no change: first the subscribers follow the table, then the
 * provider captures it, then the copy is requested, whose tick is younger than both.
 */
async function carryOutTable(work: SetWork, plan: TablePlan): Promise<void> {
  const { provider, targets, note } = work;
  const { table } = plan.candidate;
  for (const { subscriber, step } of plan.steps) {
    const side = sideOf(targets, subscriber);
    if (side !== undefined) await follow(side, table, { step, note });
  }
  if (plan.capture) await retryBusy(`${tableLabel(table)} at the provider`, note, () => provider.addTable(table));
  await requestCopies(work, plan);
}

async function follow(
  side: SubscriberSide,
  table: TableName,
  { step, note }: { step: Step; note: (line: string) => void },
): Promise<void> {
  const what = `${tableLabel(table)} at subscriber ${side.name}`;
  if (step === 'follow') await side.followTable(table, 'registered');
  if (step === 'follow-ok') await side.followTable(table, 'ok');
  if (step === 'copy-again') await retryBusy(what, note, () => side.followAgain(table));
}

/** One copy for all whose databases are here; remote ones may come late, so each gets its own. */
async function requestCopies(work: SetWork, { candidate, steps }: TablePlan): Promise<void> {
  const { provider, targets, notifyRemoteSubscriber } = work;
  const { table } = candidate;
  const wanting = steps.filter(({ step }) => needsCopy(step));
  const near = wanting.filter(({ isNear }) => isNear).map(({ subscriber }) => subscriber);
  if (wanting.length > 0)
    await provider.cancelCopies(
      table,
      wanting.map(({ subscriber }) => subscriber),
    );
  const shared = near.length === 0 ? undefined : await provider.requestCopy(table, near);
  for (const { subscriber, step, openCopy } of steps) {
    if (step !== 'expect-copy' && !needsCopy(step)) continue;
    const side = sideOf(targets, subscriber);
    if (side !== undefined) {
      const copy = step === 'expect-copy' ? openCopy : shared;
      if (copy !== undefined) await side.expectCopy(table, copy);
    } else {
      const copy = openCopy ?? (await provider.requestCopy(table, [subscriber]));
      await notifyRemoteSubscriber(subscriber, candidate, copy);
    }
  }
}

function sideOf(targets: readonly Target[], name: string): SubscriberSide | undefined {
  return targets.find((target) => target.name === name)?.side;
}
