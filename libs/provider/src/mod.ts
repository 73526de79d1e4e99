export { type AuditEntry, beginCommand, endCommand, readAudit, writeAudit } from './audit.ts';
export { readBusAddress, recordBusAddress } from './bus-address.ts';
export {
  addTable,
  clearProblem,
  type LockPatience,
  refreshTriggers,
  removeTable,
  type TriggerFinding,
} from './capture-triggers.ts';
export { type ComparisonNote, noteComparisons } from './comparisons.ts';
export {
  beginCopy,
  type CopyProgress,
  type CopyRequest,
  type CopyState,
  cancelCopies,
  finishCopy,
  noteCopyProgress,
  openCopyRequests,
  recentCopyRequests,
  requestCopy,
} from './copy-requests.ts';
export { type InstalledProvider, installProvider } from './install.ts';
export { columnsStayed, type Interval, intervalShapes, intervalsAfter, isWhole, readInterval } from './intervals.ts';
export { type MaintenanceOptions, type MaintenanceOutcome, moveRetries, runMaintenance } from './maintenance.ts';
export { joinPinned, type PinnedTick, pinTick } from './pinned-tick.ts';
export { needPgq, type PgqState, pgqState } from './queues/pgq-state.ts';
export {
  createQueue,
  dropQueue,
  hasConsumers,
  type Place,
  type QueueParameter,
  queueExists,
  queueParameters,
  registerConsumer,
  setQueueParameter,
  tickAt,
  unregisterConsumer,
} from './queues/queue-admin.ts';
export {
  insertEvents,
  listRetries,
  type NewEvent,
  type PeekAt,
  type Peeked,
  peekEvents,
  type QueueEvent,
  type RetryEvent,
  releaseRetries,
} from './queues/queue-events.ts';
export { type ConsumerRecord, listConsumers, listQueues, type QueueRecord } from './queues/queue-list.ts';
export { RateMeter, type Rates } from './queues/queue-rates.ts';
export {
  forceQueueTick,
  leadQueues,
  type QueueDuty,
  type QueueTick,
  queueDuty,
  tickQueues,
} from './queues/queue-ticks.ts';
export { reportService, type ServiceReport, serviceReports } from './reports.ts';
export {
  addSequence,
  createSet,
  dropSet,
  listSequences,
  listSets,
  listTables,
  type QueueInfo,
  queueInfo,
  type ReplicatedSet,
  removeSequence,
  type SetSequence,
  type SetTable,
} from './sets.ts';
export {
  listSubscribers,
  type ReportVerdict,
  registerSubscriber,
  reportPosition,
  type SubscriberRecord,
  unregisterSubscriber,
} from './subscribers.ts';
export {
  type Heap,
  type PageRange,
  planTableCopy,
  readTable,
  type TableCopyPlan,
  type TableReading,
} from './table-copy.ts';
export {
  batchSql,
  type ChainedTick,
  forceTick,
  lastTick,
  type MadeTick,
  onToken,
  systemIdentifier,
  takeToken,
  tick,
  tickInfo,
  ticksAfter,
} from './ticks.ts';
export { isProviderInstalled, uninstallProvider } from './uninstall.ts';
export { onWish } from './wishes.ts';
