import { codes } from '@millrace/errors';
import { sameTable, type TableName, tableLabel } from '@millrace/model';
import { describeSequence } from '@millrace/postgres';
import { type Finding, refuseOn } from '../preflight/findings.ts';
import { kindLabel } from '../preflight/table-description.ts';
import type { ProviderSide } from '../sides/provider-side.ts';
import { retryBusy } from '../sides/retry-busy.ts';
import type { Side } from '../sides/side.ts';
import type { Target } from './add-tables.ts';

/** What `add-seq` and `add --all` work with. */
export interface SequenceWork {
  readonly provider: ProviderSide;
  readonly targets: readonly Target[];
  readonly note: (line: string) => void;
  /** Leave out sequences that a subscriber does not have, and tell, instead of refusing all. */
  readonly skipMissing: boolean;
}

/** Checks all sequences everywhere, then follows them; those changed. */
export async function addSequences(work: SequenceWork, sequences: readonly TableName[]): Promise<TableName[]> {
  const good: TableName[] = [];
  const findings: Finding[] = [];
  for (const sequence of sequences) {
    const found = await checkSequence(work, sequence);
    if (found.length === 0) good.push(sequence);
    findings.push(...found);
  }
  if (work.skipMissing) for (const { text } of findings) work.note(`skipped: ${text}`);
  else refuseOn(findings);
  const changed: TableName[] = [];
  for (const sequence of good) if (await addOne(work, sequence)) changed.push(sequence);
  return changed;
}

async function addOne({ provider, targets, note }: SequenceWork, sequence: TableName): Promise<boolean> {
  let isNew = false;
  for (const { side } of targets) if (await side?.followSequence(sequence)) isNew = true;
  const inSet = (await provider.overview()).sequences.some((s) => sameTable(s, sequence));
  const label = tableLabel(sequence);
  if (!inSet) await retryBusy(`${label} at the provider`, note, () => provider.addSequence(sequence));
  // Also when nobody is new: an earlier call may have been broken off just before this.
  else await provider.sendSequenceAgain(sequence);
  note(!inSet || isNew ? `${label}: added` : `${label}: nothing to do`);
  return !inSet || isNew;
}

async function checkSequence({ provider, targets }: SequenceWork, sequence: TableName): Promise<Finding[]> {
  const sides = targets.flatMap(({ side }) => (side === undefined ? [] : [side.side]));
  const here = await checkAt(provider.side, sequence, false);
  if (here !== undefined) return [here];
  const there = await Promise.all(sides.map((side) => checkAt(side, sequence, true)));
  return there.filter((finding) => finding !== undefined);
}

async function checkAt(side: Side, sequence: TableName, mustUpdate: boolean): Promise<Finding | undefined> {
  const label = tableLabel(sequence);
  const found = await side.asked((client) => describeSequence(client, sequence));
  if (found === undefined) return { code: codes.NOT_FOUND, text: `${side.label}: there is no sequence ${label}` };
  if (found.kind !== 'S')
    return { code: codes.NOT_REPLICABLE, text: `${side.label}: ${label} is ${kindLabel(found.kind)}, not a sequence` };
  if (mustUpdate && !found.may_update)
    return { code: codes.PERMISSION, text: `${side.label}: we may not set the sequence ${label}` };
  return undefined;
}
