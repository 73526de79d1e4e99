export { redactUrl } from '@millrace/telemetry';
export { adminToken, adminTokenFile, dropAdminToken, makeAdminToken, pageCodeEnd, pageLink } from './admin-token.ts';
export { inDataDir, makeFolder } from './data-folder.ts';
export { embeddedConfigFile, type FindOptions, findConfigFile } from './find.ts';
export { type Config, loadConfig, parseConfig } from './load.ts';
export {
  type BusKeys,
  busKeys,
  busUrl,
  busUrlFile,
  needProvider,
  needQueueDatabase,
  needSubscriber,
  needSubscriberUrl,
  type QueueDatabase,
  queueDatabases,
} from './needs.ts';
export { configJsonSchema } from './schema.ts';
export { writeSecret } from './secret-file.ts';
export type { ServiceKind, ServiceStart } from './service-args.ts';
export { parseHostPort, runFile, startFromArgs, writeRunFile } from './service-args.ts';
