export {
  type ApplySession,
  becomeReplica,
  beginSql,
  commit,
  mayBeReplica,
  openApplySession,
  planForManyRows,
  replicaAdvice,
  rollBack,
} from './apply-session.ts';
export { endWithSignal, openBoundSession, type SessionBound } from './bound-session.ts';
export {
  orderByReferences,
  readTarget,
  readVersion,
  type TargetColumn,
  type TargetIndex,
  type TargetTable,
} from './catalog.ts';
export {
  onDesiredStateChange,
  type RefusedMessage,
  type ReplayState,
  readControl,
  recordRefused,
  setPaused,
  writeAudit,
  writeReplayReport,
} from './control.ts';
export {
  type CopyPart,
  copyStageOf,
  dropCopyStage,
  dropStrayCopyStages,
  makeCopyStage,
  readStaged,
  recordPart,
  type StagedCopy,
} from './copy-stage.ts';
export { installSubscriber, isSubscriberInstalled, requireInstalled, uninstallSubscriber } from './install.ts';
export {
  type ReplayOverview,
  type ReplayStanding,
  readReplayStanding,
  readSubscriberOverview,
  type SubscriberOverview,
  type TableOverview,
} from './overview.ts';
export { dropPending, type PendingPiece, readPending, storePending } from './pending.ts';
export { isPausePinned, listPinnedPauses, type PinnedPause, pinPause, unpinPause } from './pinned-pauses.ts';
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
} from './position.ts';
export {
  forgetFormerTypes,
  readSourceColumns,
  type SourceColumnRecord,
  writeSourceColumns,
} from './source-columns.ts';
export { type ForeignKeyQuestion, subscriberChecks } from './subscriber-checks.ts';
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
} from './tables.ts';
export { waitForToken } from './tokens.ts';
