// What `resync` will do, decided from facts alone: nothing is read or changed here.
import { codes } from '@millrace/errors';
import { sameTable, tableKey, tableLabel } from '@millrace/model';
import { type Candidate, isCandidate } from '../../preflight/check-provider-tables.ts';
import { checkSubscriberTable, missingAt } from '../../preflight/check-subscriber-table.ts';
import type { Refusal } from '../../preflight/refusals.ts';
import type { SetFacts, SubscriberFacts, TableFacts } from './facts.ts';
import type { SetPlan, SubscriberStep, TablePlan } from './plan.ts';
import { type ResyncStep, resyncStep } from './steps.ts';

/** The plan, or why there is none. */
export interface ResyncPlan extends SetPlan {
  readonly refusals: readonly Refusal[];
}

/** Plans to copy these tables again; `all`: those that a subscriber does not follow are left out there. */
export function planResync({ tables, subscribers }: SetFacts, { all }: { all: boolean }): ResyncPlan {
  const planned = tables.map((facts) => planTable(facts, subscribers, all));
  return {
    refusals: planned.flatMap(({ refusals }) => refusals),
    missing: [],
    tables: planned.flatMap(({ plan }) => plan ?? []),
  };
}

interface PlannedTable {
  readonly plan?: TablePlan;
  readonly refusals: readonly Refusal[];
}

function planTable(
  { table, inSet, checked }: TableFacts,
  subscribers: readonly SubscriberFacts[],
  all: boolean,
): PlannedTable {
  const label = tableLabel(table);
  if (!inSet) {
    const text = `${label} is not in the set; \`millrace add ${label}\` puts it there`;
    return { refusals: [{ code: codes.NOT_FOUND, text }] };
  }
  if (!isCandidate(checked)) return { refusals: [checked] };
  const steps = subscribers.map((subscriber) => ({ subscriber, step: stepAt(checked, subscriber) }));
  const refusals = steps.flatMap(({ subscriber, step }) => refusalsAt(checked, subscriber, { step, all }));
  const working: SubscriberStep[] = steps.flatMap(({ subscriber: { name, isNear, openCopies }, step }) => {
    if (step === 'absent' || step === 'nothing') return [];
    const openCopy = step === 'expect-copy' ? openCopies.get(tableKey(table)) : undefined;
    return [{ subscriber: name, isNear, step, openCopy }];
  });
  const waiting = steps.filter(({ step }) => step === 'nothing');
  const isChanged = working.length > 0;
  const names = working.map(({ subscriber }) => subscriber).join(', ');
  return {
    refusals,
    plan: {
      candidate: checked,
      capture: isChanged && checked.repair,
      steps: working,
      isChanged,
      before: waiting.map(({ subscriber }) => `${label}: its copy for ${subscriber.name} is on its way`),
      after: isChanged ? [`${label}: copied again for ${names}`] : [],
    },
  };
}

function stepAt({ table }: Candidate, { followed, openCopies }: SubscriberFacts): ResyncStep {
  const there = followed.find((one) => sameTable(one, table));
  return resyncStep({
    state: there?.state,
    copyId: there?.copyId ?? undefined,
    error: there?.error ?? null,
    openCopy: openCopies.get(tableKey(table)),
  });
}

function refusalsAt(
  candidate: Candidate,
  { name, isNear, descriptions }: SubscriberFacts,
  { step, all }: { step: ResyncStep; all: boolean },
): readonly Refusal[] {
  const label = tableLabel(candidate.table);
  if (step === 'absent') {
    const text = `${name} does not follow ${label}; \`millrace add ${label} --subscriber ${name}\` copies it there`;
    return all ? [] : [{ code: codes.NOT_FOUND, text }];
  }
  if (!isNear) return [];
  const there = descriptions.get(tableKey(candidate.table));
  return there === undefined ? [missingAt(name, candidate)] : checkSubscriberTable(name, candidate, there).refusals;
}
