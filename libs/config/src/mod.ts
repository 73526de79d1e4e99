export { redactUrl } from '@millrace/telemetry';
export { embeddedConfigFile, findConfigFile, type FindOptions } from './find.ts';
export { loadConfig, parseConfig, type Config } from './load.ts';
export { busUrl, busUrlFile, needBus, needProvider, needSubscriber, needSubscriberUrl } from './needs.ts';
export { configJsonSchema } from './schema.ts';
export { parseHostPort, runFile, startFromArgs, writeRunFile } from './service-args.ts';
export type { ServiceKind, ServiceStart } from './service-args.ts';
