export { providerChecks, type TriggerCheckRow } from './checks/provider-checks.ts';
export {
  beginCopy,
  type CopyProgress,
  type CopyRequest,
  type CopyState,
  cancelCopies,
  finishCopy,
  noteCopyProgress,
  openCopyRequests,
  requestCopy,
} from './copies/copy-requests.ts';
export {
  type Heap,
  type PageRange,
  planTableCopy,
  readTable,
  type TableCopyPlan,
  type TableReading,
} from './copies/table-copy.ts';
export { onDesiredState } from './desired-state.ts';
export { type InstalledProvider, installProvider } from './install/install.ts';
export { isProviderInstalled, uninstallProvider } from './install/uninstall.ts';
export {
  type ConsumerStatus,
  consumerStatus,
  type QueueStatus,
  queueStatus,
  readVersions,
  type TickedQueue,
  tickedQueues,
} from './queues/classic-lists.ts';
export { type MaintenanceOptions, type MaintenanceOutcome, moveRetries, runMaintenance } from './queues/maintenance.ts';
export { needPgq, type PgqState, pgqState } from './queues/pgq-state.ts';
export {
  createQueue,
  dropQueue,
  hasConsumers,
  type Place,
  type QueueParameter,
  queueParameters,
  registerConsumer,
  setQueueParameter,
  tickAt,
  unregisterConsumer,
  wasQueueDropped,
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
export { type AuditEntry, beginCommand, endCommand, readAudit, writeAudit } from './reports/audit.ts';
export { readBusAddress, recordBusAddress } from './reports/bus-address.ts';
export { type ComparisonNote, noteComparisons } from './reports/comparisons.ts';
export {
  type NotedComparison,
  type OpenCopy,
  type ProviderOverview,
  readProviderOverview,
  type ServiceState,
  type SetSequence,
  type SetTable,
} from './reports/overview.ts';
export { reportService, type ServiceReport } from './reports/service-reports.ts';
export { checkTable, lockChanges, ownedSequences, type TableCheck, userTables } from './set/candidates.ts';
export {
  addTable,
  recordSetAside,
  refreshTriggers,
  removeTable,
  type TriggerFinding,
} from './set/capture-triggers.ts';
export {
  addSequence,
  createSet,
  dropSet,
  listSets,
  type ReplicatedSet,
  removeSequence,
  sendSequenceAgain,
} from './set/sets.ts';
export {
  listSubscribers,
  type ReportVerdict,
  registerSubscriber,
  reportPosition,
  type SubscriberRecord,
  unregisterSubscriber,
  wasUnregistered,
} from './subscribers/subscribers.ts';
export {
  columnsStayed,
  type Interval,
  type IntervalShape,
  intervalShapes,
  intervalsAfter,
  isWhole,
  readInterval,
} from './ticks/intervals.ts';
export { joinPinned, type PinnedTick, pinTick } from './ticks/pinned-tick.ts';
export {
  ageOfTickAfter,
  forceTick,
  lastTick,
  type MadeTick,
  onToken,
  readInstallation,
  systemIdentifier,
  takeToken,
  tick,
  tickInfo,
} from './ticks/ticks.ts';
