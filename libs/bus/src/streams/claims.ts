// A mark at a bucket that says whose it is. Kept in the description of its stream, which all servers have.
import { busError } from '../connection/bus-errors.ts';
import type { Bus } from '../connection/connect.ts';
import { streamOf } from './bucket.ts';
import { streamInfo } from './streams.ts';

/**
 * Writes a mark at a bucket unless it is there. `check` gets the one that is there and throws when it is another's. Nothing
 * happens without the bucket.
 */
export async function claimBucket(
  bus: Bus,
  bucket: string,
  claim: { readonly mark: string; readonly check: (mark: string) => void },
): Promise<void> {
  const info = await streamInfo(bus, streamOf(bucket));
  if (info === undefined) return;
  const found = info.config.description ?? '';
  if (found === claim.mark) return;
  if (found !== '') claim.check(found);
  try {
    await bus.streams.streams.update(streamOf(bucket), { description: claim.mark });
  } catch (error) {
    throw busError(error, `marking ${bucket} as ours`);
  }
}
