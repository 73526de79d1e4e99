import { codes } from '@millrace/errors';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import type { Candidate } from './check-provider-table.ts';
import { compareTables } from './compare-tables.ts';
import type { Finding } from './findings.ts';
import { describeTable, where } from './table-description.ts';

/** What stands against replicating the table at this subscriber; `missing`: it is not there at all. */
export async function checkSubscriberTable(
  subscriber: SubscriberSide,
  candidate: Candidate,
): Promise<{ missing: boolean; findings: Finding[] }> {
  const { table, description, key } = candidate;
  const there = await subscriber.side.asked(() => describeTable(subscriber.side.client, table));
  if (there === undefined) return { missing: true, findings: [] };
  const reasons = compareTables(description, there, key);
  const findings = reasons.map((text) => ({
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber.name, table)} ${text}`,
  }));
  return { missing: false, findings };
}

/** The finding for a table that is missing and shall not be made. */
export function missingFinding(subscriber: SubscriberSide, candidate: Candidate): Finding {
  return {
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber.name, candidate.table)} does not exist there; create it, or use --create`,
  };
}
