import { codes } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import { describeSequence } from '@millrace/postgres';
import { type Refusal, refuseOn } from '../preflight/refusals.ts';
import { kindLabel } from '../preflight/table-description.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';
import type { Side } from '../sides/side.ts';
import { planSequences, type SequenceFacts, type SequenceStep } from './plan/plan-sequences.ts';
import type { Target } from './targets.ts';

/** What `add-seq` and `add --all` work with. */
export interface SequenceWork {
  readonly provider: ProviderSide;
  readonly targets: readonly Target[];
  readonly note: (line: string) => void;
  /** Leave out sequences that a subscriber does not have, and say so, instead of refusing all. */
  readonly skipMissing: boolean;
}

/** Reads all sequences everywhere, refuses or plans, then follows them; those changed. */
export async function addSequences(work: SequenceWork, sequences: readonly TableName[]): Promise<TableName[]> {
  const facts = await readSequences(work, sequences);
  const { notes, refusals, steps } = planSequences(facts, work.skipMissing);
  for (const line of notes) work.note(line);
  refuseOn(refusals);
  const changed: TableName[] = [];
  for (const step of steps) if (await carryOutStep(work, step)) changed.push(step.sequence);
  return changed;
}

async function readSequences(
  { provider, targets }: SequenceWork,
  sequences: readonly TableName[],
): Promise<SequenceFacts[]> {
  if (sequences.length === 0) return [];
  const known = (await provider.overview()).sequences;
  const sides = targets.flatMap(({ side }) => (side === undefined ? [] : [side.side]));
  const facts: SequenceFacts[] = [];
  for (const sequence of sequences) {
    const atProvider = await checkAt(provider.side, sequence, false);
    const there = await Promise.all(sides.map((side) => checkAt(side, sequence, true)));
    const inSet = known.some((one) => sameTable(one, sequence));
    facts.push({ sequence, inSet, atProvider, atSubscribers: there.filter((refusal) => refusal !== undefined) });
  }
  return facts;
}

async function carryOutStep(
  { provider, targets, note }: SequenceWork,
  { sequence, capture }: SequenceStep,
): Promise<boolean> {
  let isNew = false;
  for (const { side } of targets) if (await side?.followSequence(sequence)) isNew = true;
  const label = tableLabel(sequence);
  if (capture) await retryBusy(`${label} at the provider`, note, () => provider.addSequence(sequence));
  // Also when no subscriber is new: an earlier call may have been interrupted just before this.
  else await provider.sendSequenceAgain(sequence);
  note(capture || isNew ? `${label}: added` : `${label}: nothing to do`);
  return capture || isNew;
}

async function checkAt(side: Side, sequence: TableName, mustUpdate: boolean): Promise<Refusal | undefined> {
  const label = tableLabel(sequence);
  const found = await side.run((client) => describeSequence(client, sequence));
  if (found === undefined) return { code: codes.NOT_FOUND, text: `${side.label}: there is no sequence ${label}` };
  if (found.kind !== 'S')
    return { code: codes.NOT_REPLICABLE, text: `${side.label}: ${label} is ${kindLabel(found.kind)}, not a sequence` };
  if (mustUpdate && !found.may_update)
    return { code: codes.PERMISSION, text: `${side.label}: we may not set the sequence ${label}` };
  return undefined;
}
