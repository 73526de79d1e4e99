export { freePort } from '@millrace/embedded';
export { checksum, checksumIn } from './checksum.ts';
export { createDatabase, sharedNatsUrl, sharedPostgresUrl } from './databases.ts';
export { eventually, waitFor } from './eventually.ts';
export { NatsCluster } from './nats-cluster.ts';
export { query, withClient } from './query.ts';
export { makeScratchDir, startOwnNats, startOwnPostgres, startTestPostgres, uniqueName } from './servers.ts';
export { silentProxy } from './silent-proxy.ts';
