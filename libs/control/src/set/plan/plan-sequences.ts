// Which sequences are followed, decided from facts alone: nothing is read or changed here.
import { type TableName, tableKey } from '@millrace/model';
import type { Refusal } from '../../preflight/refusals.ts';

/** One sequence: why it cannot be followed, if so, at the provider and at the subscribers. */
export interface SequenceFacts {
  readonly sequence: TableName;
  readonly inSet: boolean;
  readonly atProvider: Refusal | undefined;
  readonly atSubscribers: readonly Refusal[];
}

/** To be followed everywhere; `capture`: the provider has to begin to send it. */
export interface SequenceStep {
  readonly sequence: TableName;
  readonly capture: boolean;
}

export interface SequencePlan {
  readonly notes: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly steps: readonly SequenceStep[];
}

/** Decides from facts alone. */
export function planSequences(facts: readonly SequenceFacts[], skipMissing: boolean): SequencePlan {
  const against = facts.map((one) => (one.atProvider === undefined ? one.atSubscribers : [one.atProvider]));
  const refusals = against.flat();
  const captured = new Set(facts.filter(({ inSet }) => inSet).map(({ sequence }) => tableKey(sequence)));
  const steps = facts
    .filter((_, at) => against[at]?.length === 0)
    .map(({ sequence }) => {
      const key = tableKey(sequence);
      const capture = !captured.has(key);
      captured.add(key);
      return { sequence, capture };
    });
  return skipMissing
    ? { notes: refusals.map(({ text }) => `skipped: ${text}`), refusals: [], steps }
    : { notes: [], refusals, steps };
}
