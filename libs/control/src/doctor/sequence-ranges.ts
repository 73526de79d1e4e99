import { type TableName, tableKey } from '@millrace/model';
import { sequenceRanges } from '@millrace/postgres';
import { fixes } from '../preflight/fixes.ts';
import type { Side } from '../sides/side.ts';
import { found, nothing, type Outcome } from './report.ts';

/** Whether followed sequences take every value that the provider's may have. */
export async function compareSequences(
  provider: Side,
  subscriber: { side: Side; where: string },
  sequences: readonly TableName[],
): Promise<Outcome> {
  if (sequences.length === 0) return nothing;
  const here = await provider.run((client) => sequenceRanges(client, sequences));
  const there = await subscriber.side.run((client) => sequenceRanges(client, sequences));
  const sources = new Map(here.map((one) => [tableKey(one), one]));
  const narrow = there.flatMap((range) => {
    const source = sources.get(tableKey(range));
    if (source === undefined) return [];
    if (BigInt(range.least) <= BigInt(source.least) && BigInt(range.most) >= BigInt(source.most)) return [];
    const message = `goes from ${range.least} to ${range.most} there, at the provider from ${source.least} to ${source.most}: a value beyond stops replication`;
    const fix = fixes.widenSequence(range.label, source.least, source.most);
    return [{ level: 'warning' as const, object: range.label, message, fix }];
  });
  return found('sequence-ranges', subscriber.where, narrow);
}
