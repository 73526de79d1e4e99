import { join } from 'node:path';
import type { EmbeddedPostgres } from '@millrace/embedded';
import { startServer } from './rig.ts';

/** Two servers for Millrace, two for native replication, so that neither reads the other's log. */
export interface Servers {
  readonly dir: string;
  readonly provider: EmbeddedPostgres;
  readonly subscriber: EmbeddedPostgres;
  readonly nativeProvider: EmbeddedPostgres;
  readonly nativeSubscriber: EmbeddedPostgres;
}

export async function startServers(dir: string, major: number): Promise<Servers> {
  return {
    dir,
    provider: await startServer(join(dir, 'provider'), 'replica', major),
    subscriber: await startServer(join(dir, 'subscriber'), 'replica', major),
    nativeProvider: await startServer(join(dir, 'native-provider'), 'logical', major),
    nativeSubscriber: await startServer(join(dir, 'native-subscriber'), 'replica', major),
  };
}

export async function stopServers(servers: Servers): Promise<void> {
  for (const one of [servers.provider, servers.subscriber, servers.nativeProvider, servers.nativeSubscriber]) {
    await one.stop('immediate');
  }
}
