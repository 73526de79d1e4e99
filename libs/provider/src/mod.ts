export { type InstalledProvider, installProvider } from './install.ts';
export { isProviderInstalled, uninstallProvider } from './uninstall.ts';
export {
  type ChainedTick,
  type MadeTick,
  batchSql,
  forceTick,
  lastTick,
  systemIdentifier,
  tick,
  tickInfo,
  ticksAfter,
} from './ticks.ts';
export { type PinnedTick, pinTick } from './pinned-tick.ts';
export {
  type QueueInfo,
  type ReplicatedSet,
  type SetSequence,
  type SetTable,
  addSequence,
  createSet,
  dropSet,
  listSequences,
  listSets,
  listTables,
  queueInfo,
  removeSequence,
} from './sets.ts';
export {
  type ReportVerdict,
  type SubscriberRecord,
  listSubscribers,
  registerSubscriber,
  reportPosition,
  unregisterSubscriber,
} from './subscribers.ts';
export {
  type CopyProgress,
  type CopyRequest,
  type CopyState,
  beginCopy,
  cancelCopies,
  finishCopy,
  noteCopyProgress,
  openCopyRequests,
  recentCopyRequests,
  repeatCopy,
  requestCopy,
} from './copy-requests.ts';
export { type MaintenanceOptions, type MaintenanceOutcome, moveRetries, runMaintenance } from './maintenance.ts';
export {
  type AuditEntry,
  readAudit,
  reportService,
  type ServiceReport,
  serviceReports,
  writeAudit,
} from './reports.ts';
export { type Interval, intervalsAfter, readInterval } from './intervals.ts';
export { planTableCopy, readTable, type TableCopyPlan } from './table-copy.ts';
