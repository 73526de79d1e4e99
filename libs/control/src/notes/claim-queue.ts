import { claimBucket } from '@millrace/bus';
import { bucketName, type Installation, installationMark, refuseOtherInstallation } from '@millrace/wire';
import type { BusSide } from '../sides/bus-side.ts';

/** Marks the queue's bucket, where there is one, as that of this installation. Throws BUS_REFUSED when it is another's. */
export async function claimQueue({ bus, queue }: BusSide, ours: Installation): Promise<void> {
  const check = (mark: string) => refuseOtherInstallation(queue, mark, ours);
  await claimBucket(bus, bucketName(queue), { mark: installationMark(ours), check });
}
