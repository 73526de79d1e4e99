export {
  keepUnaltered,
  orderByReferences,
  readTarget,
  readVersion,
  type TargetColumn,
  type TargetIndex,
  type TargetTable,
} from './checks/catalog.ts';
export {
  type ReplayOverview,
  type ReplayStanding,
  readRepairSigns,
  readReplayStanding,
  readSubscriberOverview,
  type SubscriberOverview,
  type TableOverview,
} from './checks/overview.ts';
export { type ForeignKeyQuestion, subscriberChecks } from './checks/subscriber-checks.ts';
export {
  type CopyPart,
  copyStageOf,
  dropCopyStage,
  dropStrayCopyStages,
  makeCopyStage,
  readStaged,
  recordPart,
  type StagedCopy,
} from './follow/copy-stage.ts';
export { dropPending, type PendingPiece, readPending, storePending } from './follow/pending.ts';
export {
  forgetFormerTypes,
  readSourceColumns,
  type SourceColumnRecord,
  writeSourceColumns,
} from './follow/source-columns.ts';
export {
  followSequence,
  followTable,
  listSequences,
  listTables,
  moveTable,
  noteTable,
  type SubscribedTable,
  setCopy,
  setSequenceQuery,
  type TableMove,
  unfollowSequence,
  unfollowTable,
} from './follow/tables.ts';
export { installSubscriber, isSubscriberInstalled, requireInstalled, uninstallSubscriber } from './install.ts';
export {
  type ApplySession,
  becomeReplica,
  beginSql,
  commit,
  mayBeReplica,
  openApplySession,
  pinsSql,
  planForManyRows,
  replicaAdvice,
  rollBack,
} from './session/apply-session.ts';
export { endWithSignal, openBoundSession, type SessionBound } from './session/bound-session.ts';
export { grantToOwner, type TableRunner, tableRunner } from './session/owner-runner.ts';
export {
  onDesiredStateChange,
  type RefusedMessage,
  type ReplayState,
  readControl,
  recordRefused,
  setPaused,
  writeAudit,
  writeReplayReport,
} from './state/control.ts';
export { isPausePinned, listPinnedPauses, type PinnedPause, pinPause, unpinPause } from './state/pinned-pauses.ts';
export {
  type BusHint,
  type Control,
  dropPosition,
  initPosition,
  lockPosition,
  type Move,
  movedGeneration,
  movePositionSql,
  movePositionValues,
  readPosition,
  type StoredPosition,
} from './state/position.ts';
export { waitForToken } from './state/tokens.ts';
