import { codes } from '@millrace/errors';
import type { TableDescription } from '@millrace/postgres';
import type { Candidate } from './check-provider-tables.ts';
import type { Refusal } from './refusals.ts';
import { where } from './table-description.ts';
import { blocking, type Mismatch, mismatchesOf } from './table-mismatches.ts';

/** What is against following a table at a subscriber. */
export interface TableCheck {
  readonly refusals: readonly Refusal[];
  /** What may stop its replication one day. */
  readonly warnings: readonly Refusal[];
}

/** Compares a table at a subscriber, as it is described there, with the provider's. */
export function checkSubscriberTable(subscriber: string, candidate: Candidate, there: TableDescription): TableCheck {
  const { table, description, key } = candidate;
  const mismatches = mismatchesOf({ table, provider: description, subscriber: there, key });
  const asRefusal = ({ text, fix }: Mismatch): Refusal => ({
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber, table)} ${text}`,
    fix,
  });
  return {
    refusals: blocking(mismatches).map(asRefusal),
    warnings: mismatches.filter(({ level }) => level === 'warning').map(asRefusal),
  };
}

/** The refusal of a table that is missing at a subscriber and is not to be created. */
export function missingAt(subscriber: string, { table }: Candidate): Refusal {
  return {
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber, table)} does not exist there; create it, or use --create`,
  };
}
