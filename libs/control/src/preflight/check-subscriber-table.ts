import { codes } from '@millrace/errors';
import type { SubscriberSide } from '../sides/subscriber-side.ts';
import type { Candidate } from './check-provider-table.ts';
import { compareTables, type Reason, refusals } from './compare-tables.ts';
import type { Finding } from './findings.ts';
import { describeTable, where } from './table-description.ts';

/** What stands against replicating the table at this subscriber; `missing`: it is not there at all. `warnings`: what may one day. */
export async function checkSubscriberTable(
  subscriber: SubscriberSide,
  candidate: Candidate,
): Promise<{ missing: boolean; findings: Finding[]; warnings: readonly Finding[] }> {
  const { table, description, key } = candidate;
  const there = await subscriber.side.asked(() => describeTable(subscriber.side.client, table));
  if (there === undefined) return { missing: true, findings: [], warnings: [] };
  const reasons = compareTables({ table, provider: description, subscriber: there, key });
  const asFinding = ({ text, fix }: Reason): Finding => ({
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber.name, table)} ${text}`,
    fix,
  });
  const isWarning = ({ level }: Reason) => level === 'warning';
  return {
    missing: false,
    findings: refusals(reasons).map(asFinding),
    warnings: reasons.filter(isWarning).map(asFinding),
  };
}

/** The finding for a table that is missing and shall not be made. */
export function missingFinding(subscriber: SubscriberSide, candidate: Candidate): Finding {
  return {
    code: codes.SUBSCRIBER_SCHEMA,
    text: `${where(subscriber.name, candidate.table)} does not exist there; create it, or use --create`,
  };
}
