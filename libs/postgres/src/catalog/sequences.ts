import type { Queryable } from '../client.ts';
import { sqlFileRunner } from '../schema/sql-folder.ts';
import { type CatalogName, namesAsJson } from './catalog-name.ts';

const run = sqlFileRunner(new URL('../../sql/', import.meta.url));

/** What has a name that is meant as a sequence's. */
export interface SequenceDescription {
  /** relkind: S for a sequence. */
  readonly kind: string;
  readonly may_update: boolean;
}

/** Undefined when nothing has that name. */
export async function describeSequence(
  client: Queryable,
  { schema, name }: CatalogName,
): Promise<SequenceDescription | undefined> {
  return (await run<SequenceDescription>(client, 'describe_sequence', [schema, name]))[0];
}

/** The bounds of a sequence, as text. */
export interface SequenceRange extends CatalogName {
  readonly least: string;
  readonly most: string;
  /** Its name as SQL writes it. */
  readonly label: string;
}

/** Of those that are there. */
export function sequenceRanges(client: Queryable, sequences: readonly CatalogName[]): Promise<SequenceRange[]> {
  return run(client, 'sequence_ranges', [namesAsJson(sequences)]);
}
