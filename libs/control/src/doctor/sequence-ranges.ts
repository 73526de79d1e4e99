import { type TableName, tableKey } from '@millrace/model';
import { fixes } from '../preflight/fixes.ts';
import type { Side } from '../sides/side.ts';
import { found, nothing, type Outcome } from './report.ts';

interface Range extends TableName {
  readonly least: string;
  readonly most: string;
  readonly label: string;
}

/** Whether followed sequences take every value that the provider's may have. */
export async function compareSequences(
  provider: Side,
  subscriber: { side: Side; where: string },
  sequences: readonly TableName[],
): Promise<Outcome> {
  if (sequences.length === 0) return nothing;
  const names = JSON.stringify(sequences.map(({ schema, name }) => [schema, name]));
  const here = new Map(
    (await provider.run<Range>('doctor/sequence_ranges', [names])).map((one) => [tableKey(one), one]),
  );
  const there = await subscriber.side.run<Range>('doctor/sequence_ranges', [names]);
  const narrow = there.flatMap((range) => {
    const source = here.get(tableKey(range));
    if (source === undefined) return [];
    if (BigInt(range.least) <= BigInt(source.least) && BigInt(range.most) >= BigInt(source.most)) return [];
    const message = `goes from ${range.least} to ${range.most} there, at the provider from ${source.least} to ${source.most}: a value beyond stops replication`;
    const fix = fixes.widenSequence(range.label, source.least, source.most);
    return [{ level: 'warning' as const, object: range.label, message, fix }];
  });
  return found('sequence-ranges', subscriber.where, narrow);
}
