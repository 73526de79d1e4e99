import { type Bus, claimBucket } from '@millrace/bus';
import type { PgClient } from '@millrace/postgres';
import { readInstallation } from '@millrace/provider';
import { bucketName, installationMark, refuseOtherInstallation } from '@millrace/wire';

/** Marks the queue's bucket as that of this provider. Throws BUS_REFUSED when it is another's. */
export async function claimQueue(bus: Bus, client: PgClient, queue: string): Promise<void> {
  const ours = await readInstallation(client);
  const check = (mark: string) => refuseOtherInstallation(queue, mark, ours);
  await claimBucket(bus, bucketName(queue), { mark: installationMark(ours), check });
}
