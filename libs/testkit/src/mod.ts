export { freePort } from '@millrace/embedded';
export { type Checksum, checksum, checksumIn } from './checksum.ts';
export { createDatabase, sharedNatsUrl, sharedPostgresUrl, type TestDatabase } from './databases.ts';
export { type EventuallyOptions, eventually, waitFor } from './eventually.ts';
export { NatsCluster } from './nats-cluster.ts';
export { query, withClient } from './query.ts';
export { makeScratchDir, startOwnNats, startOwnPostgres, startTestPostgres, uniqueName } from './servers.ts';
