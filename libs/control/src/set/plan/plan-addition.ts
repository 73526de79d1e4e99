// What `add` will do, decided from facts alone: nothing is read or changed here.
import { codes } from '@millrace/errors';
import { sameTable, type TableName, tableKey, tableLabel } from '@millrace/model';
import { findingLine } from '../../doctor/report.ts';
import { type Candidate, isCandidate } from '../../preflight/check-provider-tables.ts';
import { checkSubscriberTable, missingAt } from '../../preflight/check-subscriber-table.ts';
import type { Refusal } from '../../preflight/refusals.ts';
import type { AdditionFacts, SubscriberFacts } from './facts.ts';
import type { MissingTable, SetPlan, TablePlan } from './plan.ts';
import { additionStep, type Step } from './steps.ts';

/** The request of `add`. */
export interface AdditionRequest {
  /** Undefined: every table of the provider that can be replicated; the others are skipped. */
  readonly tables: readonly TableName[] | undefined;
  /** The operator promises that the rows are equal. */
  readonly noCopy: boolean;
  /** Make a table where it is missing. */
  readonly create: boolean;
}

/** The plan, or why there is none. */
export interface AdditionPlan extends SetPlan {
  /** Said first, also when nothing may be done. */
  readonly notes: readonly string[];
  /** Why nothing may be done; empty: the plan can be carried out. */
  readonly refusals: readonly Refusal[];
}

/** Nothing is to be done there, unless the table is missing. */
export function isInPlace(candidate: Candidate, subscriber: SubscriberFacts, { noCopy }: AdditionRequest): boolean {
  const { inSet, repair } = candidate;
  return inSet && !repair && stepAt(candidate, subscriber, { noCopy, isMissing: false }) === 'nothing';
}

/** Plans the whole addition. Refusals come in three stages: of the provider's tables, of the subscribers', of the steps. */
export function planAddition(facts: AdditionFacts, request: AdditionRequest): AdditionPlan {
  const unfit = facts.tables
    .map(({ checked }) => checked)
    .filter((checked): checked is Refusal => !isCandidate(checked));
  const nothing = { missing: [], tables: [] };
  if (unfit.length > 0 && request.tables !== undefined) return { ...nothing, notes: [], refusals: unfit };
  const skipped = unfit.map(({ text }) => `skipped: ${text}`);
  const candidates = facts.tables.map(({ checked }) => checked).filter(isCandidate);
  const checks = facts.subscribers.map((subscriber) => checkAt(subscriber, candidates, { facts, request }));
  const refusals = checks.flatMap((check) => check.refusals);
  if (refusals.length > 0) return { ...nothing, notes: skipped, refusals };
  const tables = candidates.map((candidate) => planTable(candidate, facts.subscribers, request));
  return {
    notes: [...skipped, ...checks.flatMap(({ warnings }) => warnings)],
    refusals: candidates.flatMap((candidate, at) => stepRefusals(candidate, tables[at]?.steps ?? [])),
    missing: checks.flatMap(({ missing }) => missing),
    tables,
  };
}

interface SubscriberCheck {
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  /** To be made there first. */
  readonly missing: readonly MissingTable[];
}

function checkAt(
  subscriber: SubscriberFacts,
  candidates: readonly Candidate[],
  { facts, request }: { facts: AdditionFacts; request: AdditionRequest },
): SubscriberCheck {
  const { name, isNear, descriptions } = subscriber;
  if (!isNear) return { refusals: [], warnings: [], missing: [] };
  const refusals: Refusal[] = [];
  const warnings: string[] = [];
  const missing: MissingTable[] = [];
  for (const found of facts.findings.get(name) ?? []) {
    const { level, object, message, fix } = found;
    if (level === 'warning') warnings.push(findingLine(found));
    else refusals.push({ code: codes.SUBSCRIBER_SCHEMA, text: `${name}: ${object} ${message}`, fix });
  }
  for (const candidate of candidates) {
    const there = descriptions.get(tableKey(candidate.table));
    if (there === undefined) {
      if (request.create) missing.push({ subscriber: name, candidate });
      else refusals.push(missingAt(name, candidate));
    } else if (!isInPlace(candidate, subscriber, request)) {
      const checked = checkSubscriberTable(name, candidate, there);
      refusals.push(...checked.refusals);
      warnings.push(...checked.warnings.map(({ text, fix }) => `warning: ${text}; fix: ${fix}`));
    }
  }
  return { refusals, warnings, missing };
}

function planTable(
  candidate: Candidate,
  subscribers: readonly SubscriberFacts[],
  { noCopy }: AdditionRequest,
): TablePlan {
  const { table, inSet, repair } = candidate;
  const label = tableLabel(table);
  const names = subscribers.map(({ name }) => name);
  const steps = subscribers.map((subscriber) => {
    const isMissing = subscriber.isNear && !subscriber.descriptions.has(tableKey(table));
    const step = stepAt(candidate, subscriber, { noCopy, isMissing });
    return { subscriber: subscriber.name, isNear: subscriber.isNear, step, openCopy: openCopyAt(subscriber, table) };
  });
  const isChanged = !inSet || repair || steps.some(({ step: what }) => what !== 'nothing' && what !== 'expect-copy');
  const done = names.length === 0 ? 'in the set; there is no subscriber yet' : `added for ${names.join(', ')}`;
  const after = [`${label}: ${isChanged ? done : 'nothing to do'}`];
  return { candidate, capture: !inSet || repair, steps, isChanged, before: [], after };
}

function stepAt(
  { table, inSet, repair }: Candidate,
  subscriber: SubscriberFacts,
  { noCopy, isMissing }: { noCopy: boolean; isMissing: boolean },
): Step {
  const state = subscriber.followed.find((one) => sameTable(one, table))?.state;
  // A table that was dropped there and is made again has no rows, whatever its state says.
  const broken = repair || isMissing;
  return additionStep({ state, inSet, broken, openCopy: openCopyAt(subscriber, table), noCopy });
}

function openCopyAt({ openCopies }: SubscriberFacts, table: TableName): number | undefined {
  return openCopies.get(tableKey(table));
}

function stepRefusals({ table }: Candidate, steps: TablePlan['steps']): Refusal[] {
  const label = tableLabel(table);
  return steps.flatMap(({ subscriber, isNear, step }): Refusal[] => {
    if (step === 'refuse') {
      const text = `${subscriber}: ${label} is waiting for its copy; remove it there first, then add it with --no-copy`;
      return [{ code: codes.USAGE, text }];
    }
    if (!isNear && step === 'copy-again') {
      const text = `${subscriber}: ${label} needs a new copy there, and its database has no url here; remove it on its host first`;
      return [{ code: codes.CONFIG, text }];
    }
    return [];
  });
}
